"""The wheel works outside the checkout: its baselines, checks and roles travel inside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.command_line import ROOT
from tests.lab.inventory import write_inventory
from tests.lab.plugin import HostFactory

PROFILE = """\
---
title: A few controls for the tests
title_zh: 测试用的几项控制
controls:
  sshd_max_auth_tries: {}
  linux_banner_issue: {}
"""


def test_the_installed_wheel_hardens_a_host(own_host: HostFactory, tmp_path: Path) -> None:
    """In a fresh environment: profiles, scan, plan, apply, scan and undo, with nothing of the checkout in reach."""
    host = own_host()
    write_inventory(tmp_path / "hosts.yml", [host])
    (tmp_path / "base" / "profiles").mkdir(parents=True)
    (tmp_path / "base" / "profiles" / "tiny.yml").write_text(PROFILE)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    before = host.snapshot_tree(("/etc",))

    def run(*argv: str | Path, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            list(map(str, argv)), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path / "dist", ROOT)
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", *(tmp_path / "dist").glob("*.whl"))
    hardening = (tmp_path / "venv/bin/hardening", "--baselines", "base")

    where = run(tmp_path / "venv/bin/python", "-c", "import hardening; print(hardening.__file__)")
    assert Path(where.strip()).is_relative_to(tmp_path)
    assert {profile["name"] for profile in json.loads(run(*hardening, "profiles", "list", "--json"))} >= {
        "mlps-l2",
        "mlps-l3",
        "server-strict",
        "tiny",
    }
    run(*hardening, "baseline", "check")
    run(*hardening, "plan", "-i", "hosts.yml", "-p", "tiny", codes=(1,))
    applied = json.loads(run(*hardening, "apply", "plan.yml", "--json"))
    assert [change["state"] for change in applied["changes"]] == ["changed", "changed"]
    run(*hardening, "scan", "-i", "hosts.yml", "-p", "tiny", "--html", "report.html")
    run(*hardening, "undo", "latest-apply")
    after = host.snapshot_tree(("/etc",))
    assert [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)] == []
    assert (tmp_path / "report.html").stat().st_size > 10_000
