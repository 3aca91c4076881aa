"""Reports: one writer per format, each a function from evidence to bytes, none knowing another.

A new format is one file with a `write_<format>(evidence, destination, *, lang)` and one line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from hardening.model import Evidence
from hardening.reports.csv_report import write_csv
from hardening.reports.docx_report import write_docx
from hardening.reports.hdf import write_hdf
from hardening.reports.html import write_html
from hardening.reports.json_report import write_json
from hardening.reports.jsonl import write_jsonl
from hardening.reports.junit import write_junit
from hardening.reports.markdown import write_markdown
from hardening.reports.oscal_poam import write_poam
from hardening.reports.oscal_results import write_oscal
from hardening.reports.pdf import write_pdf
from hardening.reports.prometheus import write_prometheus
from hardening.reports.sarif import write_sarif
from hardening.reports.terminal import write_terminal
from hardening.reports.xccdf import write_xccdf
from hardening.reports.xlsx import write_xlsx

__all__ = ["DOCUMENTS", "FORMATS", "Format", "Writer", "write_html", "write_json", "write_junit", "write_terminal"]


class Writer(Protocol):
    """What every writer can do; some take further keywords."""

    def __call__(self, evidence: Evidence, destination: Path | TextIO, *, lang: str = "en") -> object:
        """Write a report. Equal evidence gives equal bytes."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A report format: who writes it, and what its files are called. A `binary` one needs a file, not a terminal."""

    write: Writer
    suffix: str
    says: str
    binary: bool = False


FORMATS: Mapping[str, Format] = {
    "terminal": Format(write=write_terminal, suffix=".txt", says="tables for a person at a terminal"),
    "json": Format(write=write_json, suffix=".json", says="one document with everything, for programs"),
    "junit": Format(write=write_junit, suffix=".xml", says="JUnit XML, for Jenkins and GitLab"),
    "html": Format(write=write_html, suffix=".html", says="one self-contained page, for people and auditors"),
    "csv": Format(write=write_csv, suffix=".csv", says="one row per finding, for spreadsheets"),
    "jsonl": Format(write=write_jsonl, suffix=".jsonl", says="one JSON object per line, for log pipelines"),
    "markdown": Format(write=write_markdown, suffix=".md", says="a short summary, for a merge request"),
    "prometheus": Format(write=write_prometheus, suffix=".prom", says="metrics for the node exporter's textfiles"),
    "sarif": Format(write=write_sarif, suffix=".sarif", says="SARIF 2.1.0, for code scanning views"),
    "hdf": Format(write=write_hdf, suffix=".hdf.json", says="Heimdall's data format, for the SAF tools"),
    "oscal": Format(write=write_oscal, suffix=".oscal.json", says="OSCAL assessment results"),
    "poam": Format(write=write_poam, suffix=".poam.json", says="OSCAL plan of action: what is left to do"),
    "xccdf": Format(write=write_xccdf, suffix=".xccdf.xml", says="XCCDF 1.2 results, for OpenSCAP and its readers"),
    "xlsx": Format(write=write_xlsx, suffix=".xlsx", says="a workbook to filter, fill in and print", binary=True),
    "docx": Format(write=write_docx, suffix=".docx", says="the gap analysis or remediation report", binary=True),
    "pdf": Format(write=write_pdf, suffix=".pdf", says="the same as a sealed copy; needs LibreOffice", binary=True),
}

# The formats that a customer's own Word template can shape.
DOCUMENTS = {"docx": write_docx, "pdf": write_pdf}
