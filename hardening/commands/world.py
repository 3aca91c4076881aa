"""The world that the options of a command describe: workspace, ledger, catalogue, waivers, inventory, limits."""

from __future__ import annotations

import atexit
import dataclasses
import getpass
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from hardening import __version__, remote
from hardening.catalogue import Catalogue, load_catalogue, select
from hardening.commands.ending import say, telling
from hardening.context import Context, Progress, utc_now
from hardening.errors import AskedWrongly
from hardening.inventory import VaultSecrets, load_inventory, secret_from_file
from hardening.kinds import kinds
from hardening.ledger import Ledger, open_ledger
from hardening.model import Profile, Severity
from hardening.plan import Plan
from hardening.redaction_policy import NO_POLICY, RedactionPolicy, load_redaction
from hardening.resources.entries import Register
from hardening.resources.register import load_register
from hardening.waivers import Waiver, load_waivers
from hardening.workspace import Workspace
from hardening.workspace_settings import Settings, load_settings
from hardening.yaml_lines import did_you_mean

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was said before the verb: where the workspace is, which ledger, which baselines."""

    workspace: Path
    ledger_url: str | None
    baselines: tuple[Path, ...]
    place: Workspace = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", Workspace(root=self.workspace))

    def catalogue(self) -> Catalogue:
        """Load everything that is known of what should be."""
        return load_catalogue(self.place.baselines(self.baselines), kinds())

    def settings(self) -> Settings:
        """Read the rules of the house."""
        return load_settings(self.place.settings)

    def register(self) -> Register:
        """Read the register of resources of this workspace; without one nothing is registered."""
        return load_register(self.place.register) if self.place.register.exists() else Register()

    def open_ledger(self) -> Ledger:
        """Open the ledger of this workspace, or the one that was named; it is made where there is none."""
        return open_ledger(self.ledger_url or self.place.ledger, clock=utc_now, redaction=self.redaction())

    def redaction(self) -> RedactionPolicy:
        """Read what goes out of texts before they are kept, if the workspace says so."""
        return load_redaction(self.place.redaction) if self.place.redaction.exists() else NO_POLICY

    def read_ledger(self) -> Ledger:
        """Open the ledger to read only: a mistyped workspace must not become an empty ledger that verifies."""
        return open_ledger(self.ledger_url or self.place.ledger, clock=utc_now, read_only=True)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The world of one command, ready for a verb."""

    context: Context
    profile: Profile
    waivers: tuple[Waiver, ...]
    narrow: Options
    campaign_id: str = ""

    def plan(self, made: Plan) -> Plan:
        """Return the plan narrowed to the filters that were given. A filter that names nothing of it is a mistake."""
        wanted, inside = set(self.narrow["controls"]), set(self.narrow["components"])
        _all_known(wanted, {item.control_id for item in made.items}, "control")
        _all_known(inside, {item.target.component for item in made.items}, "component")
        hosts = {host.name for host in self.context.inventory.hosts}
        gone = [name for name in made.hosts() if name not in hosts]
        if gone and not self.narrow["limit"]:
            raise AskedWrongly(
                f"the plan's hosts are not all in the inventory: {', '.join(gone)} missing; "
                "name the inventory it was made with, or leave hosts out with --limit"
            )
        least = Severity(self.narrow["severity"]).rank
        items = tuple(
            item
            for item in made.items
            if item.target.host in hosts
            and (not wanted or item.control_id in wanted)
            and (not inside or item.target.component in inside)
            and Severity(item.severity).rank >= least
        )
        if not items:
            raise AskedWrongly("the plan has nothing left to change after the filters")
        return dataclasses.replace(made, items=items)


def _all_known(asked: Collection[str], known: Collection[str], what: str) -> None:
    for name in sorted(set(asked) - set(known)):
        raise AskedWrongly(f"the plan changes no {what} {name}{did_you_mean(name, known)}")


@contextmanager
def open_context(asked: Asked, options: Options) -> Iterator[Opened]:
    """Load catalogue, waivers and inventory, and open the ledger, which is made only when all else is well."""
    if not options["profile"]:
        raise AskedWrongly("say what to look with: -p PROFILE (`hardening profiles list` shows them)")
    catalogue = asked.catalogue()
    profile = select(
        catalogue.profile(options["profile"]),
        controls=options["controls"],
        components=options["components"],
        severity_rank=Severity(options["severity"]).rank,
    )
    waivers = waivers_of(asked, options, catalogue.controls)
    world = _world(options, options["inventory"])
    with asked.open_ledger() as ledger:
        context = world(ledger, catalogue.digest)
        yield Opened(context=context, profile=profile, waivers=waivers, narrow=options)


@contextmanager
def hosts_context(asked: Asked, options: Options) -> Iterator[Context]:
    """Open the world of a verb that looks at hosts with no profile."""
    world = _world(options, options["inventory"])
    with asked.open_ledger() as ledger:
        yield world(ledger, "")


@contextmanager
def plan_context(asked: Asked, options: Options, made: Plan) -> Iterator[Opened]:
    """Open the world that a plan was made in."""
    catalogue = asked.catalogue()
    profile = catalogue.profile(made.profile)
    waivers = waivers_of(asked, options, catalogue.controls)
    world = _world(options, options["inventory"] or made.inventory)
    with asked.open_ledger() as ledger:
        context = world(ledger, catalogue.digest)
        yield Opened(context=context, profile=profile, waivers=waivers, narrow=options)


@contextmanager
def campaign_context(asked: Asked, options: Options, campaign: str) -> Iterator[Opened]:
    """Open the world of an earlier campaign: its inventory, and its profile as the ledger kept it.

    The catalogue may have changed since; to go back must not depend on it.
    """
    asked.read_ledger().close()  # One that does not exist must not be made.
    with asked.open_ledger() as ledger:
        stored = ledger.campaign(ledger.resolve(campaign))
        waivers = waivers_of(asked, options, None) if "waivers" in options else ()
        context = _world(options, options["inventory"] or stored.inventory)(ledger, stored.catalogue_digest)
        profile = ledger.profile(stored.id)
        yield Opened(context=context, profile=profile, waivers=waivers, narrow=options, campaign_id=stored.id)


@contextmanager
def fleet_context(asked: Asked, options: Options) -> Iterator[Context]:
    """Open the world of a command that goes by no profile: the inventory beside the ledger."""
    world = _world(options, options["inventory"])
    with asked.open_ledger() as ledger:
        yield world(ledger, "")


def _world(options: Options, sources: Sequence[str]) -> Callable[[Ledger, str], Context]:
    """Read the inventory and the passwords; return how to make a context of them and a ledger."""
    if not sources:
        raise AskedWrongly("say which hosts: -i INVENTORY")
    vault = VaultSecrets(password_files=tuple(options["vault_ids"])) if options["vault_ids"] else None
    become = _become_password(options)
    login = options["connection_password_file"]
    connection_password = secret_from_file(login, purpose="connection password") if login else None
    inventory = load_inventory(
        sources,
        limit=options.get("limit"),
        vault=vault,
        become_password=become,
        connection_password=connection_password,
    )
    twins = inventory.duplicates
    if twins:
        raise AskedWrongly("; ".join(str(twin) for twin in twins) + "; name each host once")

    def context(ledger: Ledger, catalogue_digest: str) -> Context:
        return Context(
            ledger=ledger,
            inventory=inventory,
            inventory_sources=tuple(inventory.sources),
            catalogue_digest=catalogue_digest,
            actor=actor(),
            tool_version=__version__,
            limits=remote.Limits(
                sessions=options["sessions"], host_s=options["host_timeout"], command_s=options["command_timeout"]
            ),
            forks=options["forks"],
            vault=vault,
            become_password=become,
            connection_password=connection_password,
            progress=_progress(),
        )

    return context


def actor() -> str:
    """Return who acts: the account, and the machine it is on."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"  # A container may run as a number that has no name.
    return f"{user}@{os.uname().nodename}"


def _become_password(options: Options) -> remote.Secret | None:
    if options["become_password_file"]:
        return secret_from_file(options["become_password_file"], purpose="become password")
    if options["ask_become_pass"]:
        return remote.Secret(click.prompt("Password for sudo or su", hide_input=True, err=True))
    return None


def waivers_of(asked: Asked, options: Options, controls: Collection[str] | None) -> tuple[Waiver, ...]:
    """Read the waiver file, if there is one; the catalogue is loaded for it where no controls are given."""
    settings = asked.settings()
    path = options["waivers"] or asked.place.waivers
    if not path.exists():
        if options["waivers"]:
            raise AskedWrongly(f"{path}: there is no such waiver file")
        return ()
    known = asked.catalogue().controls if controls is None else controls
    return load_waivers(
        path,
        controls=known,
        today=utc_now().date(),
        longest_days=settings.waiver_longest_days,
        approver_needed=settings.waiver_needs_approver,
    )


def _progress() -> Progress:
    """Tell progress on standard error: a bar on a terminal, sentences alone elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return Progress(say=say)
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("looking", total=None)
    atexit.register(bar.stop)  # An interrupted bar would leave the terminal without a cursor.

    def hosts(done: int, total: int, name: str) -> None:
        with telling():
            if not bar.live.is_started:
                bar.start()
            bar.update(task, completed=done, total=total, description=name[:30])
            if done == total:
                bar.stop()

    def tell(sentence: str) -> None:
        with telling():
            console.print(sentence, markup=False, highlight=False)

    return Progress(hosts=hosts, say=tell)
