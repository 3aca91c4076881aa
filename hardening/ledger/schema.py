"""The tables, as queries name them. How they come to be is in `migrations`; a test holds the two together.

`entries` and `blobs` are the record: appended to, changed by a purge alone (`purging`). All others are derived from
the entries (`projection`), except `remembered_plans`, which is a cache and proves nothing.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, Double, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_NEEDS_ESCAPE = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|0|u[0-9a-f]{4})")


class AnyText(TypeDecorator[str]):
    """Text of any code points: PostgreSQL refuses NUL, and both databases refuse lone surrogates.

    Those, and the backslash itself, are written as backslash escapes; other text is stored as it is.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text as the database can hold it."""
        if value is None or not _NEEDS_ESCAPE.search(value):
            return value
        return _NEEDS_ESCAPE.sub(_escape, value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text as it was given."""
        if value is None or "\\" not in value:
            return value
        return _ESCAPED.sub(_unescape, value)


def _escape(found: re.Match[str]) -> str:
    char = found.group()
    if char == "\\":
        return "\\\\"
    return "\\0" if char == "\0" else f"\\u{ord(char):04x}"


def _unescape(found: re.Match[str]) -> str:
    escape = found.group(1)
    if escape == "\\":
        return "\\"
    return "\0" if escape == "0" else chr(int(escape[1:], 16))


METADATA = MetaData()

SCHEMA_VERSION = Table(
    "schema_version",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", Text, nullable=False),
)

ENTRIES = Table(
    "entries",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("purged_digest", Text),
    Index("entries_by_campaign", "campaign_id", "kind", "seq"),
)

BLOBS = Table(
    "blobs",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("campaign_id", AnyText, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("exit_code", Integer),
    Column("seq", Integer, nullable=False),
)

HOSTS = Table(
    "hosts",
    METADATA,
    Column("campaign_id", AnyText, nullable=False),
    Column("phase", Text, nullable=False),
    Column("host", AnyText, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("campaign_id", "phase", "host"),
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("campaign_id", AnyText, nullable=False),
    Column("phase", Text, nullable=False),
    Column("host", AnyText, nullable=False),
    Column("component", AnyText, nullable=False),
    Column("instance", AnyText, nullable=False),
    Column("control_id", AnyText, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("campaign_id", "phase", "host", "component", "instance", "control_id"),
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("seq", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("host", AnyText, nullable=False),
    Column("component", AnyText, nullable=False),
    Column("instance", AnyText, nullable=False),
    Column("control_id", AnyText, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("seq", "place"),
    Index("changes_by_campaign", "campaign_id", "host"),
)

ATTESTATIONS = Table(
    "attestations",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
)

RESOURCE_LOOKS = Table(
    "resource_looks",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("host", AnyText, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("reached", Integer, nullable=False),
    Index("resource_looks_by_host", "host", "taken_at"),
)

SAMPLES = Table(
    "samples",
    METADATA,
    Column("host", AnyText, nullable=False),
    Column("subject", AnyText, nullable=False),
    Column("metric", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("host", "subject", "metric", "taken_at", "seq"),
    Index("samples_by_campaign", "campaign_id"),
)

SAMPLE_ROLLUPS = Table(
    "sample_rollups",
    METADATA,
    Column("host", AnyText, nullable=False),
    Column("subject", AnyText, nullable=False),
    Column("metric", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("minimum", Double, nullable=False),
    Column("maximum", Double, nullable=False),
    Column("mean", Double, nullable=False),
    Column("p95", Double, nullable=False),
    Column("last", Double, nullable=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("host", "subject", "metric", "day", "seq"),
)

ALLOCATIONS = Table(
    "allocations",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("request_id", AnyText, nullable=False),
)


INSPECTIONS = Table(
    "inspections",
    METADATA,
    Column("campaign_id", AnyText, primary_key=True),
    Column("plan", AnyText, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("exit_code", Integer),
    Column("seq", Integer, nullable=False),
)

READINGS = Table(
    "readings",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("host", AnyText, nullable=False),
    Index("readings_by_campaign", "campaign_id", "seq"),
)

INCIDENT_EVENTS = Table(
    "incident_events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
)

INSPECTION_PLANS = Table(
    "inspection_plans",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
    Column("plan", AnyText, nullable=False),
)

REPORTS_WRITTEN = Table(
    "reports_written",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", AnyText, nullable=False),
)

REMEMBERED_PLANS = Table(
    "remembered_plans",
    METADATA,
    Column("platform_key", AnyText, nullable=False),
    Column("profile_digest", AnyText, nullable=False),
    Column("commands", LargeBinary, nullable=False),
    Column("remembered_at", Text, nullable=False),
    PrimaryKeyConstraint("platform_key", "profile_digest"),
)

DERIVED = (
    CAMPAIGNS,
    HOSTS,
    FINDINGS,
    CHANGES,
    ATTESTATIONS,
    RESOURCE_LOOKS,
    SAMPLES,
    SAMPLE_ROLLUPS,
    ALLOCATIONS,
    INSPECTIONS,
    READINGS,
    INCIDENT_EVENTS,
    INSPECTION_PLANS,
    REPORTS_WRITTEN,
)
