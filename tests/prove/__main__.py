"""`make prove`: boot one host per component and Debian version, prove all controls there, write docs/proof.json.

    python -m tests.prove [--component sshd] [--control ID] [--system debian12] [--kernel none] [--keep-record]

Answers 0 only when every asked control was proven on every asked system.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hardening import __version__
from hardening.bundle import bundle_root
from hardening.catalogue import load_catalogue
from hardening.context import Context, Progress, utc_now
from hardening.inventory import load_inventory
from hardening.kinds import kinds
from hardening.ledger import open_ledger
from hardening.model import Control
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.lab.vm import Machine
from tests.prove.proof import Bench, Proof, narrowed, prove
from tests.prove.record import Record, control_digest
from tests.prove.workers import Lost, in_processes

SYSTEMS = ("debian12", "debian13")
SERVICES = {"linux": (), "nginx": ("nginx",), "postgresql": ("postgresql",), "sshd": ()}
WATCHED = ("/etc", "/usr/local", "/var/spool/cron", "/boot", "/root", "/home", "/opt", "/srv")
# A database's directory lives while it is looked at; of it, only what a control may write.
ALSO = (
    "for f in /var/lib/postgresql/*/*; do"
    " [ -d $f ] && stat -c '%n %a %U:%G' $f && sha256sum $f/postgresql.auto.conf; done"
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Controls to be proven together on one host."""

    system: str
    host: LabHost | Machine
    controls: tuple[Control, ...]
    inventory: Path


def main(arguments: Sequence[str]) -> int:
    """Prove what was asked for, print what is not proven, and return the exit code."""
    asked = _parser().parse_args(arguments)
    catalogue = load_catalogue([bundle_root() / "baselines"], kinds())
    controls = narrowed(catalogue.controls.values(), component=asked.component, only=asked.control)
    unknown = sorted(set(asked.control) - {control.id for control in controls})
    if unknown:
        print(f"no control to prove: {', '.join(unknown)}", file=sys.stderr)
        return 2
    if not controls:
        print("no control to prove", file=sys.stderr)
        return 2
    began = time.monotonic()
    proofs: list[Proof] = []
    with tempfile.TemporaryDirectory(prefix="prove-") as room, Lab.create(asked.network) as lab:
        jobs = list(_jobs(lab, Path(room), controls, asked))
        # Closed on the way out: an interrupted proof ends its processes too.
        with closing(in_processes(_run, jobs, at_once=asked.jobs, most_s=_most_s)) as results:
            for result in results:
                proof = _lost(result) if isinstance(result, Lost) else result
                proofs.append(proof)
                if not asked.keep_record:
                    _record(proof, controls, set(catalogue.controls))
                _print(proof)
    failed = sum(len(proof.complaints) + len(proof.general) for proof in proofs)
    proven = sum(len(proof.proven) for proof in proofs)
    systems = len({proof.system for proof in proofs})
    print(f"{proven} proofs on {systems} systems, {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed or not proven else 0


def _record(proof: Proof, controls: Sequence[Control], known: set[str]) -> None:
    """Write down one host's outcome at once: what was seen stays although a later host fails."""
    record = Record.read(bundle_root() / "docs" / "proof.json")
    record.note(proof, {control.id: control_digest(control) for control in controls})
    record.write(known)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--component")
    parser.add_argument("--control", action="append", default=[])
    parser.add_argument("--system", choices=SYSTEMS, action="append")
    parser.add_argument("--network", help="the lab's network [default: the first free one]")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--kernel",
        choices=[*SYSTEMS, "none"],
        action="append",
        help="systems to prove on what needs a kernel of its own [default: all of the systems]",
    )
    parser.add_argument("--keep-record", action="store_true", help="leave docs/proof.json as it is")
    return parser


def _jobs(lab: Lab, room: Path, controls: Iterable[Control], asked: argparse.Namespace) -> Iterable[Job]:
    """Yield the jobs, those that take longest first: on machines, then the largest bulks.

    The system has a host, and all that runs on one shares another: most of the time goes into starting hosts and
    Ansible. What is proven apart gets a host of its own: what a script broke stays broken.
    """
    bulks: dict[str, list[Control]] = {}
    kernel: list[Control] = []
    for control in controls:
        if control.needs_kernel:
            kernel.append(control)
        else:
            system_or_services = "linux" if control.component == "linux" else "services"
            bulks.setdefault(control.prove_apart or system_or_services, []).append(control)
    for system in asked.kernel or asked.system or SYSTEMS:
        if kernel and system != "none":
            machine = lab.machine(f"kernel-{system}", image=system)
            yield _job(room, machine, system, kernel)
    for word, chosen in sorted(bulks.items(), key=lambda bulk: -len(bulk[1])):
        components = sorted({each.component for each in chosen})
        services = tuple(name for component in components for name in SERVICES[component])
        for system in asked.system or SYSTEMS:
            host = lab.host(f"{word}-{system}", image=system, services=services)
            yield _job(room, host, system, chosen)


def _job(room: Path, host: LabHost | Machine, system: str, controls: Sequence[Control]) -> Job:
    inventory = write_inventory(room / f"{host.name}.yml", [host])
    return Job(system=system, host=host, controls=tuple(controls), inventory=inventory)


def _most_s(job: Job) -> float:
    """Return after what time a host's proof is ended: some times what the longest takes on two busy cores."""
    return 7200 if isinstance(job.host, Machine) else 1200


def _run(job: Job) -> Proof:
    try:
        job.host.boot()
        return _prove(job)
    finally:
        job.host.stop()


def _lost(lost: Lost[Job]) -> Proof:
    """Count a host without a result as a failure: its trouble must not hide what the others gave."""
    proof = Proof(system=lost.task.system, asked=tuple(control.id for control in lost.task.controls))
    proof.general.append(f"the proof on {lost.task.host.name} failed: {lost.why}")
    return proof


def _prove(job: Job) -> Proof:
    inventory = load_inventory([str(job.inventory)], limit=job.host.name)
    with (
        tempfile.TemporaryDirectory(prefix="prove-") as room,
        open_ledger(Path(room) / "ledger", clock=utc_now) as ledger,
    ):
        context = Context(
            ledger=ledger,
            inventory=inventory,
            inventory_sources=(str(job.inventory),),
            catalogue_digest="proof",
            actor="make prove",
            tool_version=__version__,
            processes=1,
            progress=Progress(say=_sayer(job)),
        )
        return prove(
            Bench(
                system=job.system,
                context=context,
                shell=job.host.run,
                tree=lambda: _tree(job.host),
                controls=job.controls,
                reboot=partial(_reboot, job.host),
            )
        )


def _reboot(host: LabHost | Machine) -> None:
    host.power_off()
    host.boot()


def _sayer(job: Job) -> Callable[[str], None]:
    return lambda sentence: print(f"{job.host.name}: {sentence}", file=sys.stderr, flush=True)


def _tree(host: LabHost | Machine) -> dict[str, object]:
    lines = host.exec_inside(ALSO).stdout.splitlines()
    tree = {**host.snapshot_tree(WATCHED), **{line.split()[-1] + " ": line for line in lines}}
    # augenrules keeps the last file it made here, whoever calls it.
    return {path: entry for path, entry in tree.items() if path != "/etc/audit/audit.rules.prev"}


def _print(proof: Proof) -> None:
    components = sorted({control_id.split("_")[0] for control_id in proof.asked})
    print(
        f"{proof.system} {','.join(components)}: {len(proof.proven)} of {len(proof.asked)} proven, "
        f"{len(proof.only_seen)} only seen",
        flush=True,
    )
    for sentence in proof.general:
        print(f"  {proof.system}: {sentence}")
    for control_id, sentences in sorted(proof.complaints.items()):
        for sentence in sentences:
            print(f"  {proof.system}: {control_id}: {sentence}")
    for control_id, reason in sorted(proof.not_applicable.items()):
        print(f"  {proof.system}: {control_id}: not applicable: {reason}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
