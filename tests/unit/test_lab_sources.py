"""The lab takes its packages from the archive that the machine's own apt names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.apt_sources import machine_archive
from tests.lab.errors import LabError

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
deb http://mirror.example/security bookworm-security main
"""
DEB822 = """\
Types: deb
# a comment
URIs: http://vendor.example/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm

Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
"""


def _etc(tmp_path: Path, codename: str = "bookworm", **files: str) -> Path:
    (tmp_path / "os-release").write_text(f'ID=debian\nVERSION_CODENAME={codename}\nVERSION="12 ({codename})"\n')
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / "apt" / name.replace("__", "/").replace("_", ".")).write_text(text)
    return tmp_path


@pytest.mark.parametrize("files", [{"sources_list": ONE_LINE}, {"sources.list.d__debian_sources": DEB822}])
def test_both_spellings_of_sources_name_the_same_archive(tmp_path: Path, files: dict[str, str]) -> None:
    """Comments, sources of source code, other vendors and disabled entries are passed over."""
    archive = machine_archive(_etc(tmp_path, **files))

    assert archive.main == "http://mirror.example/debian"
    assert archive.security == "http://mirror.example/security"


def test_the_other_release_comes_from_the_same_archive(tmp_path: Path) -> None:
    """A Debian 13 image is built on a Debian 12 machine from that machine's archive."""
    archive = machine_archive(_etc(tmp_path, sources_list=ONE_LINE))

    assert archive.sources("trixie") == (
        "deb http://mirror.example/debian trixie main\n"
        "deb http://mirror.example/debian trixie-updates main\n"
        "deb http://mirror.example/security trixie-security main\n"
    )


def test_a_machine_whose_apt_names_no_archive_is_told_so(tmp_path: Path) -> None:
    """No guess is made about a mirror."""
    with pytest.raises(LabError, match="names no archive for sid"):
        machine_archive(_etc(tmp_path, codename="sid", sources_list=ONE_LINE))
