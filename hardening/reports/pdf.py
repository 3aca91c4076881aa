"""PDF: the document of a campaign as a sealed copy, made by LibreOffice where it is installed.

Where LibreOffice or a Chinese font is missing, that is said with the name of the package, and nothing is written: a PDF
of empty boxes is no evidence.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from hardening.clauses import RateRule
from hardening.errors import Incomplete
from hardening.model import Evidence
from hardening.reports.docx_render import docx_bytes
from hardening.reports.output import write_bytes

# A thousand pages take less; a LibreOffice that hangs must not hold a campaign.
TIME_LIMIT_S = 600
IDENTITY = re.compile(rb"(?<=[</])[0-9A-F]{32}\b")
INSTALL = "install the Debian package {package} (apt-get install --no-install-recommends {package})"


def write_pdf(
    evidence: Evidence,
    destination: Path | TextIO,
    *,
    lang: str = "en",
    template: Path | None = None,
    rule: RateRule = RateRule.STRICT,
) -> None:
    """Write the document of the campaign (see `docx_report`) as PDF."""
    document = docx_bytes(evidence, lang=lang, template=template, rule=rule)
    write_bytes(destination, pdf_of(document, made_at=evidence.campaign.started_at, lang=lang))


def pdf_of(document: bytes, *, made_at: datetime, lang: str = "en") -> bytes:
    """Return a Word document as PDF, the same bytes each time on one installation of LibreOffice."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        raise Incomplete(f"no PDF was written: LibreOffice is missing; {INSTALL.format(package='libreoffice-writer')}")
    if lang == "zh" and not _chinese_font():
        raise Incomplete(f"no PDF was written: there is no Chinese font; {INSTALL.format(package='fonts-noto-cjk')}")
    with tempfile.TemporaryDirectory(prefix="hardening-pdf-") as room:
        source = Path(room, "report.docx")
        source.write_bytes(document)
        said = _convert(office, Path(room), source)
        made = source.with_suffix(".pdf")
        if not made.is_file():
            raise Incomplete(
                f"no PDF was written: LibreOffice made none ({said or 'it said nothing'}); "
                f"where only its core is there: {INSTALL.format(package='libreoffice-writer')}"
            )
        return _settled(made.read_bytes(), made_at)


def _convert(office: str, room: Path, source: Path) -> str:
    """Run LibreOffice with a profile of its own: one that is open on a desk must not take the order, or be touched."""
    argv = [
        office,
        f"-env:UserInstallation={(room / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--convert-to",
        "pdf:writer_pdf_Export",
        "--outdir",
        str(room),
        str(source),
    ]
    environment = {**os.environ, "HOME": str(room), "TZ": "UTC"}
    # Its launcher starts a second process: only the whole group can be ended.
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=TIME_LIMIT_S)
        except BaseException as problem:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(problem, subprocess.TimeoutExpired):
                raise Incomplete(f"no PDF was written: LibreOffice took over {TIME_LIMIT_S} s") from None
            raise
    return " ".join(said.decode(errors="replace").split())[:300]


def _chinese_font() -> bool:
    """Tell whether any font here can draw Chinese; where nobody can say, LibreOffice is left to try."""
    asked = shutil.which("fc-list")
    if asked is None:
        return True
    listed = subprocess.run([asked, ":lang=zh-cn", "family"], capture_output=True, check=False, timeout=60)
    return bool(listed.stdout.strip())


def _settled(pdf: bytes, made_at: datetime) -> bytes:
    """Return a PDF with the campaign's moment for the clock's, and an identity of its content for a random one.

    LibreOffice 7 heeds no SOURCE_DATE_EPOCH. Everything keeps its length, as a PDF is read by offsets.
    """
    body, mark, trailer = pdf.rpartition(b"\ntrailer\n")
    if not mark:
        return pdf
    stamp = f"/CreationDate(D:{made_at.astimezone(UTC):%Y%m%d%H%M%S}Z".encode()
    at = body.rfind(b"/CreationDate(D:")
    if at >= 0:
        body = body[:at] + stamp + body[at + len(stamp) :]
    bare = IDENTITY.sub(lambda held: b"0" * len(held.group()), trailer)
    identity = hashlib.sha256(body + bare).hexdigest()[:32].upper().encode()
    return body + mark + IDENTITY.sub(identity, trailer)
