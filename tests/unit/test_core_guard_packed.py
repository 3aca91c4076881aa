"""The library that a guard keeps on its host: whole, by itself, and whatever the host takes the date for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hardening_core.guard_packed import packed

# Year, month, day, hour, minute, second, weekday, day of the year, summer time.
EPOCH = time.struct_time((1970, 1, 1, 0, 0, 0, 3, 1, 0))


def test_it_is_all_that_a_confirmation_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file alone, in an isolated interpreter; also where a clock says a date that no such file holds."""
    monkeypatch.setattr(time, "localtime", lambda *_: EPOCH)
    library = tmp_path / "library.zip"
    library.write_bytes(packed())
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from hardening_core.guard_end import main\n"
        "print(sorted({module.__file__.split('/hardening_core')[0] for name, module in sys.modules.items()"
        " if name.startswith('hardening_core')}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program, library], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert (done.stdout, done.stderr) == (f"['{library}']\n", "")
