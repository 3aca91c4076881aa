"""DOCX: the gap analysis of a scan or plan, the remediation report of an apply or undo, from Word templates.

A customer's own template can take the place of ours; docs/evidence-templates.md tells what may stand in it. Whatever a
host says is text in it, never markup, never a template tag. Equal evidence and template give equal bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hardening.clauses import RateRule
from hardening.model import Evidence
from hardening.reports.docx_render import docx_bytes
from hardening.reports.output import write_bytes


def write_docx(
    evidence: Evidence,
    destination: Path | TextIO,
    *,
    lang: str = "en",
    template: Path | None = None,
    rule: RateRule = RateRule.STRICT,
) -> None:
    """Write the document; `template` is a customer's own, `rule` how the rate of compliance is worked out."""
    write_bytes(destination, docx_bytes(evidence, lang=lang, template=template, rule=rule))
