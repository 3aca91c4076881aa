"""`make demo`: the main job in front of a newcomer, on real hosts that exist for these few minutes only.

Boots three servers, scans them, plans, applies, scans again, undoes one control, locks a host out on purpose and sees
it heal, and leaves a sealed bundle of evidence and a report.
Without root or off Debian it scans the machine it is on, read-only, and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "demo"
PROFILE = "mlps-l3"
UNDONE = "sshd_x11_forwarding"
LOCKOUT = {
    "title": "Only nobody may log in",
    "title_zh": "只有 nobody 可以登录",
    "why": "Nobody would want that: it shows that a lockout heals itself.",
    "severity": "low",
    "kind": "sshd.option",
    "with": {"option": "AllowUsers"},
    "want": "nobody",
    "broken": "ops",
    "danger": "lockout",
}
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Run the demo and return 0 only if every step answered as it should."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return _only_look()
    return _on_lab_hosts()


def _on_lab_hosts() -> int:
    from tests.lab.fleet import HostSpec, boot_fleet
    from tests.lab.inventory import write_inventory
    from tests.lab.lab import Lab

    _say("1. Three real servers are booted: nginx on Debian 12, PostgreSQL on Debian 13, a bare Debian 13")
    with Lab.create() as lab:
        hosts = boot_fleet(
            lab,
            [
                HostSpec(name="web01", image="debian12", services=("nginx",)),
                HostSpec(name="db01", image="debian13", services=("postgresql",)),
                HostSpec(name="bare01", image="debian13"),
            ],
        )
        inventory = write_inventory(OUT / "inventory.yml", hosts)
        looked = ("-i", str(inventory), "-p", PROFILE)
        _say("2. The gap scan: one session per host, nothing is changed")
        _run({1, 3}, "scan", *looked, "--junit", _out("before.xml"), "--html", _out("before.html"))
        _say("3. The plan: what would change on every host, from a dry run on its real files")
        _run({1, 3}, "plan", *looked, "-o", _out("plan.yml"))
        _say("4. The apply: only what the plan names, validated before it replaces anything")
        accept = [word for danger in ("lockout", "reboot", "data") for word in ("--accept", danger)]
        _run({0, 1, 3}, "apply", _out("plan.yml"), *accept, "--html", _out("report.html"), "--junit", _out("after.xml"))
        _run({0, 1, 3}, "report", "latest-apply", "--lang", "zh", "--html", _out("report.zh.html"), quiet=True)
        _say("5. The second scan")
        _run({0, 1, 3}, "scan", *looked, "--junit", _out("second.xml"))
        _say(f"6. {UNDONE} is undone on web01 alone; the look afterwards must say what it said at first")
        _run({0}, "undo", "latest-apply", "--host", "web01", "--control", UNDONE)
        _seal()
        _lock_out(inventory)
        _run({0}, "status", "--verify")
    _say("The hosts are gone. What stays:")
    pages = ("report.html", "report.zh.html", "before.html")
    for name in (*pages, "before.xml", "after.xml", "second.xml", "plan.yml", "evidence.zip"):
        print(f"  {OUT / name}")
    print(f"\nOpen {OUT / 'report.html'} in a browser.")
    return 0


def _lock_out(inventory: Path) -> None:
    """Carry out, on one host, a change after which nobody can log in; its guard brings it back."""
    own = OUT / "lockout"
    (own / "sshd").mkdir(parents=True)
    (own / "profiles").mkdir()
    (own / "sshd" / "lockout.yml").write_text(json.dumps({"sshd_demo_allow_users": LOCKOUT}))
    titles = {"title": "A mistake, on purpose", "title_zh": "故意犯的错误"}
    (own / "profiles" / "mistake.yml").write_text(json.dumps({**titles, "controls": {"sshd_demo_allow_users": {}}}))
    where = ("--baselines", str(own))
    _say("8. A mistake on purpose: from now on nobody may log in to bare01. The plan foresees it")
    _run({1}, *where, "plan", "-i", str(inventory), "-p", "mistake", "-l", "bare01", "-o", _out("mistake.yml"))
    _say("   We insist; nobody can confirm over a new login, and after 20 s bare01 puts itself back")
    insist = ("--accept", "lockout", "--acknowledge", "sshd_account_denied", "--guard", "20")
    _run({3}, *where, "apply", _out("mistake.yml"), *insist)
    _say("   It is ours again")
    _run({1}, *where, "scan", "-i", str(inventory), "-p", "mistake", "-l", "bare01")


def _seal() -> None:
    """Seal the apply as a bundle with a key made for the demo, and verify it as an auditor would."""
    _say("7. The evidence of the apply is sealed with an SSH key, and verified without the workspace")
    key = OUT / "demo_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", str(key)], check=True)
    signers = OUT / "allowed_signers"
    signers.write_text(f"demo {key.with_suffix('.pub').read_text()}")
    _run({0, 1, 3}, "evidence", "export", "latest-apply", "-o", _out("evidence.zip"), "--sign-key", str(key))
    _run({0}, "evidence", "verify", _out("evidence.zip"), "--allowed-signers", str(signers))


def _only_look() -> int:
    _say("No root, or no Debian: this machine is scanned, read-only; nothing is changed")
    sees_all = os.geteuid() == 0 or _may_become_root()
    if not sees_all:
        print("Not root, and no sudo without a password: what only root may read is an error below, never a pass")
    variables = {"ansible_connection": "local", "ansible_become": sees_all}
    inventory = OUT / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"this-machine": variables}}}))  # JSON is YAML.
    _run(
        {0, 1, 3},
        "scan",
        "-i",
        str(inventory),
        "-p",
        PROFILE,
        "--junit",
        _out("scan.xml"),
        "--html",
        _out("report.html"),
    )
    print(f"\nOpen {OUT / 'report.html'} in a browser.")
    return 0


def _may_become_root() -> bool:
    """Tell whether sudo asks for nothing: the demo does not ask for passwords."""
    sudo = shutil.which("sudo")
    return sudo is not None and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0


def _run(expected: set[int], *arguments: str, quiet: bool = False) -> None:
    command: Sequence[str] = (sys.executable, str(ROOT / "cli.py"), "--workspace", str(OUT), *arguments)
    print(f"\n$ hardening {' '.join(_short(argument) for argument in arguments)}", flush=True)
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL if quiet else None)
    if done.returncode not in expected:
        sys.exit(f"the demo stops: hardening {arguments[0]} answered {done.returncode}")


def _out(name: str) -> str:
    return str(OUT / name)


def _short(argument: str) -> str:
    return argument.replace(f"{OUT}/", "")


def _say(sentence: str) -> None:
    print(f"\n== {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
