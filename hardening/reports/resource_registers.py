"""The registers as tables: servers, lines, services, data, and who was allocated what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hardening.reports.resource_chinese import sentence
from hardening.reports.resource_grids import TONES, Grid, gib, grid, percent
from hardening.reports.resource_words import enum_word, word
from hardening.reports.xlsx_sheet import Cell, Figure, Tone, Toned
from hardening.resource_model import Step
from hardening.resources.drifting import database_matches
from hardening.resources.entries import DataEntry, Form, HostEntry
from hardening.resources.overview import Overview

DAYS_PER_MONTH = 30.4


def servers_grid(view: Overview, lang: str) -> Grid:
    """The register of servers, as an assessor asks for it (8.1.10.2)."""
    columns = [
        ("host", 16), ("hostname", 14), ("system", 18), ("purpose", 18), ("level", 10), ("internal", 16),
        ("external", 14), ("os", 24), ("cpu", 24), ("cpus", 7), ("memory", 9), ("disk", 9), ("disk_used", 9),
        ("form", 10), ("platform", 12), ("place", 18), ("whose", 18), ("mlps", 7), ("runs", 24), ("databases", 20),
        ("ports", 20), ("updates", 9), ("in_service", 11), ("warranty", 11), ("state", 9), ("changes", 22),
        ("looked", 18),
    ]  # fmt: skip
    return grid("servers", columns, (_server(view, name, lang) for name in view.hosts), lang)


def _server(view: Overview, name: str, lang: str) -> Iterator[Cell]:
    entry, look = view.register.hosts.get(name), view.answered.get(name)
    facts: Mapping[str, Any] = {} if look is None else look.facts
    unseen = Toned(text=word("never" if look is None else "not_seen", lang), tone=Tone.OPEN)

    def seen(part: str, make: Callable[[Any], Cell]) -> Cell:
        return make(facts[part]) if part in facts else unseen

    def stated(make: Callable[[HostEntry], Cell]) -> Cell:
        return None if entry is None else make(entry)

    mounted = (facts.get("file_systems") or {}).get("mounted")
    yield name
    yield seen("system", lambda held: held["hostname"])
    yield stated(lambda held: held.system)
    yield stated(lambda held: held.purpose)
    yield stated(lambda held: enum_word(held.level, lang))
    yield view.addresses.get(name)
    yield stated(lambda held: held.external_address)
    yield seen("system", lambda held: held["os"])
    yield seen("cpu", lambda held: held["model"] or held["architecture"])
    yield seen("cpu", lambda held: held["count"])
    yield seen("memory", lambda held: gib(held["total_bytes"]))
    yield seen("disks", lambda held: gib(sum(disk["size_bytes"] for disk in held)))
    yield unseen if mounted is None else gib(sum(held["used_bytes"] for held in mounted.values()))
    yield seen("form", lambda held: _form(held["form"], lang) + (f" ({held['by']})" if held["by"] else ""))
    yield stated(lambda held: held.platform)
    yield stated(lambda held: ", ".join(filter(None, (held.location, held.rack))))
    yield stated(lambda held: f"{held.department}, {held.owner}")
    yield stated(lambda held: held.mlps)
    yield seen("listening", lambda held: ", ".join(sorted({name for each in held for name in each["processes"] or ()})))
    databases = view.databases_on(name)
    yield unseen if databases is None else ", ".join(sorted(databases))
    yield seen("listening", lambda held: ", ".join(map(str, sorted({each["port"] for each in held}))))
    yield seen("pending_updates", lambda held: held["security"])
    yield stated(lambda held: held.in_service_on)
    yield stated(lambda held: held.warranty_ends)
    yield stated(lambda held: enum_word(held.state, lang))
    yield "; ".join(
        f"{step.taken_at:%Y-%m-%d} {enum_word(step.step, lang)} {step.request_id}"
        for allocation in view.allocations.values()
        for step in allocation.steps
        if any(share.host == name for share in step.shares)
    )
    newest = view.newest.get(name)
    if newest is not None and newest.unreachable is not None:
        yield Toned(text=f"{word('not_reached', lang)}: {newest.unreachable}", tone=Tone.BAD)
    else:
        yield unseen if look is None else look.taken_at


def _form(name: str, lang: str) -> str:
    """Return what a host is made of; what a look could not tell has no word of its own."""
    return enum_word(Form(name), lang) if name in set(Form) else name


def lines_grid(view: Overview, lang: str) -> Grid:
    """The register of lines, with what was measured against the contract."""
    columns = [
        ("name", 16), ("provider", 16), ("type", 14), ("bandwidth", 11), ("ends", 24), ("purpose", 20), ("mean", 10),
        ("p95", 10), ("peak", 10), ("verdict", 14), ("expires", 11), ("backup_line", 14), ("whose", 18),
        ("contact", 16), ("state", 9),
    ]  # fmt: skip
    rows = []
    for use in view.lines:
        line = view.register.lines[use.name]
        measured: list[Cell] = [
            Toned(text=word("not_measured", lang), tone=Tone.MUTED) if bps is None else percent(bps / use.contract_bps)
            for bps in (use.mean_bps, use.p95_bps, use.peak_bps)
        ]
        said = enum_word(use.use, lang) + (f": {sentence(use.why_unknown, lang)}" if use.why_unknown else "")
        rows.append(
            [
                use.name,
                line.provider,
                enum_word(line.type, lang),
                Figure(value=line.bandwidth_mbps),
                f"{line.end_a} – {line.end_b}",
                line.purpose,
                *measured,
                Toned(text=said, tone=TONES[use.use]),
                line.expires_on,
                line.backup_line,
                f"{line.department}, {line.owner}",
                line.contact,
                enum_word(line.state, lang),
            ]
        )
    return grid("lines", columns, rows, lang)


def services_grid(view: Overview, lang: str) -> Grid:
    """The register of services."""
    columns = [("name", 18), ("system", 20), ("level", 10), ("mlps", 7), ("hosts", 30), ("ports", 16), ("whose", 20)]
    rows: list[list[Cell]] = [
        [
            name,
            entry.system,
            enum_word(entry.level, lang),
            entry.mlps,
            ", ".join(entry.hosts),
            ", ".join(map(str, entry.ports)),
            f"{entry.department}, {entry.owner}",
        ]
        for name, entry in sorted(view.register.services.items())
    ]
    return grid("services", columns, rows, lang)


def data_grid(view: Overview, lang: str) -> Grid:
    """Where which data lies, how big it is, and what becomes of it."""
    columns = [
        ("name", 18), ("category", 20), ("lies", 34), ("size", 11), ("growth_month", 11), ("backup", 24),
        ("shared", 18), ("owner", 20),
    ]  # fmt: skip
    rows = [_data(view, name, entry, lang) for name, entry in sorted(view.register.data.items())]
    return grid("data", columns, rows, lang)


def _data(view: Overview, name: str, entry: DataEntry, lang: str) -> list[Cell]:
    size: Cell = Toned(text=word("not_seen", lang), tone=Tone.OPEN)
    growth: Cell = None if entry.growth_gib_per_month is None else Figure(value=entry.growth_gib_per_month)
    for key, held in (view.databases_on(entry.host) or {}).items():
        if entry.database and database_matches(key, entry.database):
            size = gib(held)
            for each in view.forecasts:
                if each.host == entry.host and each.subject == f"db:{key}" and each.growth_per_day is not None:
                    growth = gib(each.growth_per_day * DAYS_PER_MONTH)
    look = view.answered.get(entry.host)
    listed: Any = [] if look is None else look.facts.get("directories") or []
    for directory in listed:
        if entry.directory and directory["path"] == entry.directory.rstrip("/"):
            size = gib(directory["size_bytes"])
    return [
        name,
        ", ".join(filter(None, (entry.category, entry.classification))),
        ", ".join(filter(None, (entry.database, entry.host, entry.directory))),
        size,
        growth,
        ", ".join(filter(None, (entry.backup_to, entry.backup_every))),
        entry.shared_with,
        f"{entry.department}, {entry.owner}",
    ]


def allocations_grid(view: Overview, lang: str) -> Grid:
    """Every step of every allocation: who, when, under which ticket, and what of which host."""
    columns = [
        ("request", 16), ("system", 18), ("step", 11), ("by", 16), ("ticket", 14), ("when", 18), ("spec", 40),
        ("reason", 28),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            step.request_id,
            allocation.request.system,
            Toned(
                text=enum_word(step.step, lang), tone=Tone.BAD if step.step is Step.REFUSED else Tone.PLAIN
            ),
            step.by,
            step.ticket,
            step.taken_at,
            "; ".join(
                f"{share.host}: {share.vcpus:g} vCPU, {share.memory_gib:g} GiB, {share.disk_gib:g} GiB"
                for share in step.shares
            ),
            step.reason,
        ]
        for allocation in view.allocations.values()
        for step in allocation.steps
    ]  # fmt: skip
    return grid("allocations", columns, rows, lang)
