"""A Word document made from a template and the evidence: ours, or a customer's own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from hardening.clauses import RateRule
from hardening.errors import AskedWrongly
from hardening.model import Evidence
from hardening.reports.docx_context import document_context, is_remediation
from hardening.reports.office_zip import settled

# A customer's template is a stranger's file: more than this unpacked is no report template.
TEMPLATE_BYTES = 50_000_000
TOLD_IN = "docs/evidence-templates.md tells what may stand in it"


def docx_bytes(
    evidence: Evidence, *, lang: str = "en", template: Path | None = None, rule: RateRule = RateRule.STRICT
) -> bytes:
    """Return the document."""
    source = _own(evidence, lang) if template is None else checked_template(template)
    named = None if template is None else str(template)
    return rendered(
        source,
        document_context(evidence, lang=lang, rule=rule),
        named=named,
        told_in=TOLD_IN,
        made_at=evidence.campaign.started_at,
        subject=evidence.campaign.id,
    )


def rendered(
    source: bytes, context: Mapping[str, Any], *, named: str | None, told_in: str, made_at: datetime, subject: str
) -> bytes:
    """Return the document that a template makes of values; `named` is a customer's own, None is ours.

    Raises AskedWrongly where a customer's template is none, or names what there is not; `told_in` says where to read.
    """
    # A tenth of a second that only who writes a document should wait for.
    from docx.opc.exceptions import PackageNotFoundError
    from docxtpl import DocxTemplate

    # A template may compute, but reach nothing beyond the values that it is given.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    try:
        document = DocxTemplate(io.BytesIO(source))
        document.render(context, jinja_env=environment, autoescape=True)
    except TemplateError as problem:
        raise AskedWrongly(f"{named or 'our own template'}: {problem.message}; {told_in}") from None
    except (PackageNotFoundError, KeyError, ValueError) as problem:
        if named is None:
            raise
        raise AskedWrongly(f"{named}: is not a Word document (.docx): {problem}") from None
    core = document.docx.core_properties
    core.created = core.modified = made_at.astimezone(UTC).replace(tzinfo=None)
    core.subject = subject
    made = io.BytesIO()
    document.save(made)
    return settled(made.getvalue())


def _own(evidence: Evidence, lang: str) -> bytes:
    name = "remediation" if is_remediation(evidence) else "gap-analysis"
    return files("hardening.reports").joinpath("templates", f"{name}.{lang}.docx").read_bytes()


def checked_template(template: Path) -> bytes:
    """Return a customer's template, refused where it is none."""
    try:
        source = template.read_bytes()
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except OSError as problem:
        raise AskedWrongly(f"{template}: cannot be read: {problem.strerror}") from None
    except zipfile.BadZipFile:
        raise AskedWrongly(f"{template}: is not a Word document (.docx); save it as one in Word") from None
    if unpacked > TEMPLATE_BYTES:
        raise AskedWrongly(f"{template}: is {unpacked:,} bytes unpacked; a template has at most {TEMPLATE_BYTES:,}")
    return source
