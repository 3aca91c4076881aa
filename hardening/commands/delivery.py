"""What a command hands over: every report that was asked for, and the result printed."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import click

from hardening.commands.ending import printing, say
from hardening.commands.world import Options
from hardening.errors import AskedWrongly, Exit, Incomplete, worst
from hardening.model import Evidence, Json
from hardening.plan import Plan
from hardening.plan_file import plan_document
from hardening.reports import DOCUMENTS, FORMATS, Writer, write_json, write_junit
from hardening.reports.console import console_of
from hardening.reports.junit import Dialect
from hardening.reports.plan_table import print_plan


def check_destinations(options: Options, *more: Path) -> None:
    """Refuse, before anything is done, a place where no report can be written, and a template for no document."""
    if options.get("docx_template") and not any(name in DOCUMENTS for name, _ in _report_files(options)):
        raise AskedWrongly("--docx-template is for a document: say where it goes, with --format docx=PATH")
    paths = [path for _, path in _report_files(options)] + [*more]
    for path in paths:
        if sum(other.absolute() == path.absolute() for other in paths) > 1:
            raise AskedWrongly(f"{path}: is named for two reports; name a file for each")
        above = next(parent for parent in path.absolute().parents if parent.exists())
        if path.is_dir():
            raise AskedWrongly(f"{path}: is a directory; name a file")
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise AskedWrongly(f"{path}: cannot be written: {above} is no directory that this user may write to")


def _report_files(options: Options) -> list[tuple[str, Path]]:
    """Return which format is to be written where."""
    named = (("junit", options["junit"]), ("html", options["html"]), ("json", options["json_file"]))
    return [(name, path) for name, path in named if path is not None] + [*options["formats"]]


def _writer(name: str, options: Options) -> Writer:
    """Return what writes a format; documents are written from the customer's own template where one was handed in."""
    template = options.get("docx_template")
    if template and name in DOCUMENTS:
        return functools.partial(DOCUMENTS[name], template=template)
    if name == "junit":
        return functools.partial(write_junit, before=options["junit_before"], dialect=Dialect(options["junit_dialect"]))
    return FORMATS[name].write


def deliver(evidence: Evidence, options: Options, *, plan: Plan | None = None, plan_file: Path | None = None) -> Exit:
    """Write every report that was asked for, print the result, and return the exit code.

    A report that cannot be written takes nothing else along: the rest is written, and the answer is 3.
    """
    lang, unwritten = options["lang"], []
    for name, path in _report_files(options):
        try:
            _writer(name, options)(evidence, path, lang=lang)
        except OSError as problem:
            again = f"`hardening report {evidence.campaign.id}` writes it again"
            unwritten.append(f"{path}: the report cannot be written: {problem.strerror}; {again}")
        except Incomplete as problem:
            unwritten.append(f"{path}: {problem}")
    made: dict[str, Json] = {} if plan is None else {"plan": plan_document(plan), "plan_file": str(plan_file)}
    with printing():
        if options["as_json"]:
            write_json(evidence, sys.stdout, lang=lang, more=made)
        else:
            FORMATS["terminal"].write(evidence, sys.stdout, lang=lang)
            if plan is not None:
                print_plan(plan, console_of(sys.stdout), lang=lang)
                click.echo(f"plan {plan_file}   campaign {evidence.campaign.id}")
    for sentence in unwritten:
        say(sentence)
    code = evidence.campaign.exit_code
    return worst([Exit.INCOMPLETE if code is None else Exit(code), Exit.INCOMPLETE if unwritten else Exit.CLEAN])
