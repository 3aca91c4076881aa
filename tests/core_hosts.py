"""Running the core inside a lab host, with the host's own Python: for resources that no kind of ours uses alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.lab.host import LabHost

CORE = Path(__file__).parents[1] / "roles/core/module_utils/hardening_core"
APPLY = """
import json, sys
sys.path.insert(0, "/opt/core")
from hardening_core import CannotApply, Control, Host, Run
from hardening_core.guard import Guard
from hardening_core.restore import Undo
asked = json.load(sys.stdin)
space = dict(CannotApply=CannotApply)
exec(asked["plan"], space)
if asked["undo"] is not None:
    results = Undo(asked["undo"], Host(), campaign="undo").results
else:
    controls = [Control.from_item(item) for item in asked["controls"]]
    host, campaign, guard = Host(), asked["campaign"], asked["guard_s"]
    run = Run(
        space["plan"], controls, host, campaign=campaign, check=asked["check"], reload=asked["reload"],
        guard=Guard(host, campaign, guard) if guard else None,
    )
    results = run.carry_out()
json.dump(results, sys.stdout)
"""
# What the module hardening_guard does, for whoever comes over a login of their own.
GUARD = """
import json, sys
sys.path.insert(0, "/opt/core")
from hardening_core import Host, guard_end
json.dump(getattr(guard_end, sys.argv[1])(Host(), sys.argv[2]), sys.stdout)
"""


def apply_on(
    host: LabHost,
    plan: str,
    *subjects: str,
    campaign: str = "c1",
    check: bool = False,
    reload: tuple[str, ...] = (),
    undo: list[dict[str, Any]] | None = None,
    guard_s: float | None = None,
    around: str = "",
) -> list[dict[str, Any]]:
    """Apply controls named for their subjects with a planning function given as source text; return the results.

    `around` is shell that runs the program named by its `"$@"`.
    """
    furnish(host)
    controls = [{"id": f"linux_{subject}", "target": "h/linux", "value": subject, "with": {}} for subject in subjects]
    asked = {"plan": plan, "controls": controls, "campaign": campaign, "check": check, "reload": reload, "undo": undo}
    asked["guard_s"] = guard_s
    program = "python3 -B -W error /opt/core/apply.py"
    if around:
        program = f"set -- {program}; {around}"
    done = host.exec_inside(program, stdin=json.dumps(asked))
    assert done.rc == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def undo_on(host: LabHost, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Take changes back on a host, in the order given."""
    return apply_on(host, "", undo=list(changes))


def furnish(host: LabHost) -> None:
    """Have the core and its programs on a host."""
    if not (host.root / "opt/core").exists():
        shutil.copytree(CORE, host.root / "opt/core/hardening_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("apply", APPLY), ("guard", GUARD)):
        (host.root / f"opt/core/{name}.py").write_text(text)


def ask_guard(host: LabHost, action: str, campaign: str, *, inside: bool = False) -> dict[str, Any]:
    """Confirm, revert or ask a guard over a new login and a new sudo, or with `inside` at the host's console."""
    program = f"python3 -B -W error /opt/core/guard.py {action} {campaign}"
    done = host.exec_inside(program) if inside else host.over_ssh(f"sudo -n {program}")
    assert done.rc == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said
