"""`make bench`, applying: a whole profile on a fresh server, and the same wanted values again on the hardened one.

Prints seconds, Ansible tasks and the processor time of the target. The second run must change nothing; it is asked to
write every control again, whatever the look says, so that the roles themselves are measured.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hardening import __version__  # noqa: E402 - the checkout must be on the path first
from hardening.catalogue import load_catalogue  # noqa: E402
from hardening.change import Wanted, apply_changes  # noqa: E402
from hardening.context import Context, Progress, utc_now  # noqa: E402
from hardening.inventory import load_inventory  # noqa: E402
from hardening.kinds import kinds  # noqa: E402
from hardening.ledger import open_ledger  # noqa: E402
from hardening.looking import look_and_record  # noqa: E402
from hardening.model import Change, ChangeState, Finding, Status, Verb  # noqa: E402
from hardening.plan import to_change  # noqa: E402
from tests.lab.host import LabHost  # noqa: E402
from tests.lab.inventory import write_inventory  # noqa: E402
from tests.lab.lab import Lab  # noqa: E402

PROFILE = "server-strict"


def main() -> int:
    """Measure, print, and answer 1 if the second run changed something."""
    with tempfile.TemporaryDirectory(prefix="bench-") as room, Lab.create() as lab:
        host = lab.host("bench", image="debian12", services=("nginx", "postgresql"))
        host.boot()
        inventory = write_inventory(Path(room) / "inventory.yml", [host])
        return _measure(host, inventory, Path(room))


def _measure(host: LabHost, inventory: Path, room: Path) -> int:
    said: list[str] = []
    profile = load_catalogue([ROOT / "baselines"], kinds()).profile(PROFILE)
    with open_ledger(room / "ledger", clock=utc_now) as ledger:
        context = Context(
            ledger=ledger,
            inventory=load_inventory([inventory]),
            inventory_sources=(str(inventory),),
            catalogue_digest="bench",
            actor="make bench",
            tool_version=__version__,
            progress=Progress(say=said.append),
        )
        campaign = context.new_campaign(Verb.APPLY, profile)
        ledger.begin(campaign, profile)
        looked = look_and_record(context, campaign, profile, phase="before")
        gaps = to_change(looked.findings)
        print(
            f"{PROFILE}: {len(looked.findings)} checks, {len(gaps)} gaps on a fresh Debian 12 with nginx and PostgreSQL"
        )
        _timed("first apply", host, context, campaign.id, gaps, said)
        again = _timed("second apply of the same", host, context, campaign.id, gaps, said)
        every = [
            f
            for f in looked.findings
            if f.status in (Status.PASS, Status.FAIL) and f.requirement.control.look_only is None
        ]
        _timed("apply of every control", host, context, campaign.id, every, said)
        print(f"changed by the second apply: {again}")
    return 1 if again else 0


def _timed(
    name: str,
    host: LabHost,
    context: Context,
    campaign_id: str,
    findings: list[Finding] | tuple[Finding, ...],
    said: list[str],
) -> int:
    """Apply, print one line of figures, and return how many controls changed."""
    wanted = [
        Wanted(
            target=finding.observation.target,
            control_id=finding.observation.control_id,
            kind=finding.requirement.control.kind,
            params=finding.requirement.control.params,
            value=finding.requirement.control.set_to,
        )
        for finding in findings
    ]
    said.clear()
    cpu_s, began = host.cpu_seconds(), time.monotonic()
    changes: list[Change] = list(apply_changes(context, campaign_id, wanted, lease=False))
    took_s, cpu_s = time.monotonic() - began, host.cpu_seconds() - cpu_s
    tasks = next((match[1] for line in said if (match := re.match(r"(\d+) Ansible tasks", line))), "?")
    changed = sum(1 for change in changes if change.state is ChangeState.CHANGED)
    failed = [
        f"{c.control_id}: {c.reason}" for c in changes if c.state in (ChangeState.FAILED, ChangeState.NOT_REPORTED)
    ]
    print(
        f"{name}: {len(wanted)} controls, {tasks} Ansible tasks, {took_s:.1f} s, target CPU {cpu_s:.1f} s, "
        f"{changed} changed, {len(failed)} failed"
    )
    for line in failed[:20]:
        print(f"  failed: {line[:200]}")
    return changed


if __name__ == "__main__":
    sys.exit(main())
