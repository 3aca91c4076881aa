"""The private directory of a run: playbook, variables, secrets and order, all in memory."""

from __future__ import annotations

import configparser
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hardening.ansible.together import Joined, in_plays
from hardening.ansible.values import (
    GUARD,
    GUARD_ACTIONS,
    PRESENT,
    RESTORE,
    TOGETHER,
    AnsibleRun,
    GuardRun,
    PresentRun,
    RestoreRun,
    Run,
)
from hardening.bundle import bundle_root
from hardening.errors import AskedWrongly
from hardening.inventory.tools import config_file, program
from hardening.private_room import write_private

# Ansible's bridge to ansible-runner drops larger results without a word (default 700 kB).
LARGEST_RESULT = 16_000_000

# A host that dies says nothing: without this ssh would wait for it until the deadline. For ssh the first value of an
# option counts, so what the user says stays.
_NOTICE_DEATH = "-o ServerAliveInterval=10 -o ServerAliveCountMax=3"
# A confirmation proves a new login; for ssh the first value of an option counts.
_NOT_SHARED = "-o ControlMaster=no -o ControlPath=none -o ControlPersist=no"

Variables = Mapping[str, Mapping[str, Any]]


def change_plays(run: AnsibleRun, roles: Path) -> tuple[list[dict[str, Any]], Variables]:
    """Return the plays, each over exactly the hosts that need it, and each host's variables.

    Kinds that can share a task do; another kind has a play of its own.
    """
    # What every kind is told of guard and lease, so that no task file needs to know of them.
    told: dict[str, Any] = {} if run.guard_s is None else {"guard": "{{ hardening_guard }}"}
    told |= {"lease": True} if run.lease else {}
    plays = []
    for each in _shared(run, roles):
        kinds = each.kinds if isinstance(each, Joined) else (each,)
        hosts = [host for host, by_kind in run.hosts.items() if any(by_kind.get(kind) for kind in kinds)]
        if isinstance(each, Joined):
            given = {"controls": "{{ hardening_controls }}", "campaign": "{{ hardening_campaign }}", **told}
            plays.append(_play(TOGETHER, hosts, {each.name: given}))
            continue
        component, _, topic = each.partition(".")
        play = _role_play(each, hosts, component, topic)
        if told:
            play["module_defaults"] = {f"{component}_{topic}": told}
        plays.append(play)
    guard = _guard(run.guard_s, run.campaign)
    variables = {
        host: guard
        | _variables(
            run,
            "hardening_controls",
            {
                kind: [
                    {
                        "id": item.id,
                        "target": item.target,
                        "instance": item.instance,
                        "with": dict(item.params),
                        "value": item.value,
                    }
                    for item in items
                ]
                for kind, items in by_kind.items()
            },
        )
        for host, by_kind in run.hosts.items()
    }
    return plays, variables


def _shared(run: AnsibleRun, roles: Path) -> list[str | Joined]:
    """Return the kinds of a run in their order, joined where they can be; raise AskedWrongly where one is missing."""
    asked = list(dict.fromkeys(kind for by_kind in run.hosts.values() for kind, items in by_kind.items() if items))
    for kind in asked:
        component, _, topic = kind.partition(".")
        if not (roles / component / "tasks" / f"{topic}.yml").is_file():
            raise AskedWrongly(f"{kind}: {roles / component / 'tasks' / topic}.yml is missing, so it cannot be applied")
    return in_plays(_in_order(asked, roles), roles)


def _in_order(kinds: Sequence[str], roles: Path) -> list[str]:
    """Return the kinds with those first and last that their role's vars name so, the others in their turn."""
    first: list[str] = []
    last: list[str] = []
    for component in dict.fromkeys(kind.partition(".")[0] for kind in kinds):
        file = roles / component / "vars" / "main.yml"
        named = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        first += named.get(f"{component}_first", [])
        last += named.get(f"{component}_last", [])
    turn = {kind: number for number, kind in enumerate([*first, *[k for k in kinds if k not in first + last], *last])}
    return sorted(kinds, key=turn.__getitem__)


def restore_plays(run: RestoreRun) -> tuple[list[dict[str, Any]], Variables]:
    """Return the one play that takes changes back, and each host's variables."""
    hosts = [host for host, items in run.hosts.items() if items]
    guard = _guard(run.guard_s, run.campaign)
    variables = {
        host: {
            **guard,
            **_variables(
                run,
                "hardening_changes",
                [
                    {
                        "id": item.id,
                        "target": item.target,
                        "touches": [dict(touch) for touch in item.touches],
                        "after_actions": list(item.after_actions),
                    }
                    for item in items
                ],
            ),
            "hardening_force": run.force,
            "hardening_lease": run.lease,
        }
        for host, items in run.hosts.items()
    }
    return [_role_play(RESTORE, hosts, "core", RESTORE)], variables


def present_plays(run: PresentRun) -> tuple[list[dict[str, Any]], Variables]:
    """Return the one play that compares resources, and each host's variables."""
    hosts = [host for host, items in run.hosts.items() if items]
    variables = {
        host: {
            **_variables(
                run,
                "hardening_resources",
                [
                    {
                        "id": item.id,
                        "target": host,
                        "kind": item.kind,
                        "name": item.name,
                        "left": None if item.left is None else dict(item.left),
                    }
                    for item in run.hosts[host]
                ],
            ),
            "hardening_since": run.since_s[host],
            "hardening_known": list(run.known),
        }
        for host in hosts
    }
    return [_role_play(PRESENT, hosts, "core", PRESENT)], variables


def _guard(guard_s: float | None, campaign: str) -> dict[str, Any]:
    return {} if guard_s is None else {"hardening_guard": {"seconds": guard_s, "campaign": campaign}}


def guard_plays(run: GuardRun) -> tuple[list[dict[str, Any]], Variables]:
    """Return the one play that ends guards or asks them, and each host's variables."""
    if run.action not in GUARD_ACTIONS:
        raise AskedWrongly(f"{run.action!r} is nothing a guard can do; it can {', '.join(GUARD_ACTIONS)}")
    variables = {host: _variables(run, "hardening_guard_action", run.action) for host in run.hosts}
    return [_role_play(GUARD, run.hosts, "core", GUARD)], variables


def refuse_names(hosts: Iterable[str]) -> None:
    """Raise AskedWrongly for a host name that is no name of a file; to be asked before anything is begun."""
    for host in hosts:
        if os.sep in host or not host.isprintable():
            raise AskedWrongly(
                f"{host!r}: the name of a host that is to be changed may hold no slash and no control character"
            )


def furnish(room: Path, run: Run, plays: Sequence[Mapping[str, Any]], variables: Variables) -> None:
    """Write everything that the worker and Ansible need into the room."""
    cwd = run.cwd or Path.cwd()
    for name in ("project/host_vars", "cp", "tmp", "runner"):
        (room / name).mkdir(mode=0o700, parents=True)
    if isinstance(run, AnsibleRun):
        (room / "library").mkdir(mode=0o700)
        for each in _shared(run, roles_of(run)):
            if isinstance(each, Joined):
                write_private(room / "library" / f"{each.name}.py", each.text)
    playbook = write_private(room / "project/play.json", json.dumps(plays))
    refuse_names(variables)
    for host, values in variables.items():
        # Beside the playbook these outrank the inventory, and name no host that the inventory does not have.
        write_private(room / "project/host_vars" / f"{host}.json", json.dumps(values))
    arguments = ["--check"] if run.check else []
    arguments += run.vault.arguments(room) if run.vault else []
    for option, secret in (("become", run.become_password), ("connection", run.connection_password)):
        if secret is not None:
            arguments += [f"--{option}-password-file", str(write_private(room / option, secret.reveal()))]
    order = {
        "playbook": str(playbook),
        "inventory": list(run.inventory_sources),
        "cmdline": shlex.join([*arguments, "--forks", str(run.forks)]),
        "cwd": str(cwd),
        "deadline_s": run.deadline_s,
    }
    write_private(room / "order.json", json.dumps(order))


def environment_of(run: Run, room: Path, mark: Mapping[str, str], roles: Path) -> dict[str, str]:
    """Return the environment of the run: the user's settings hold, except where ours must."""
    cwd = run.cwd or Path.cwd()
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    config = config_file(environment, cwd)
    if config is not None:
        environment["ANSIBLE_CONFIG"] = str(config)
    alone = f"{_NOT_SHARED} " if isinstance(run, GuardRun) else ""
    environment["ANSIBLE_SSH_ARGS"] = f"{alone}{_ssh_args(environment, config)} {_NOTICE_DEATH}"
    # ansible-playbook is looked up in PATH: ours, not whichever comes first there.
    beside = str(Path(program("ansible-playbook")).parent)
    return {
        **environment,
        **_OURS,
        **mark,
        "PATH": f"{beside}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "ANSIBLE_ROLES_PATH": str(roles),
        "ANSIBLE_LIBRARY": os.pathsep.join(map(str, _libraries(run, roles, room))),
        "ANSIBLE_MODULE_UTILS": os.pathsep.join(map(str, roles.glob("*/module_utils"))),
        "ANSIBLE_LOCAL_TEMP": str(room / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(room / "cp"),
        "MAX_EVENT_RES": str(LARGEST_RESULT),
    }


def _libraries(run: Run, roles: Path, room: Path) -> list[Path]:
    """Return where modules are, also those that a play names before the role that has them is loaded."""
    if not isinstance(run, AnsibleRun):
        return [roles / "core/library"]
    components = {kind.partition(".")[0] for kinds in run.hosts.values() for kind in kinds}
    return [room / "library", *(roles / role / "library" for role in ("core", *sorted(components)))]


def _ssh_args(environment: Mapping[str, str], config: Path | None) -> str:
    """Return the ssh_args that would hold without us: the variable, else ansible.cfg's, else Ansible's own."""
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    if config is not None:
        parser.read(config, encoding="utf-8")
    given = environment.get("ANSIBLE_SSH_ARGS") or parser.get("ssh_connection", "ssh_args", fallback="")
    return given or "-C -o ControlMaster=auto -o ControlPersist=60s"


def roles_of(run: Run) -> Path:
    """Return the directory of the roles: the run's own, or the ones we ship."""
    return run.roles_path or bundle_root() / "roles"


def _role_play(name: str, hosts: Sequence[str], role: str, tasks: str) -> dict[str, Any]:
    return _play(name, hosts, {"ansible.builtin.import_role": {"name": role, "tasks_from": f"{tasks}.yml"}})


def _play(name: str, hosts: Sequence[str], task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a play whose failure on a host ends that play there, and nothing else."""
    # Ansible ends the whole run when all hosts of a play are lost, even if later plays have others. So every play
    # also has a host that cannot be lost: Ansible's implicit local one, for which there is nothing to do.
    keeper = next(name for name in ("localhost", "127.0.0.1", "::1", "") if name not in hosts)
    return {
        "name": name,
        "hosts": [*hosts, keeper] if keeper else list(hosts),
        "gather_facts": False,
        "strategy": "ansible.builtin.linear",
        "any_errors_fatal": False,
        "become": True,
        "become_user": "root",
        "tasks": [
            {
                "name": name,
                "when": "hardening_campaign is defined",
                "block": [{"name": name, **task}],
                # Rescued, so that the host is still there for the next kind; the failure itself is an event of its own.
                "rescue": [{"name": name, "ansible.builtin.meta": "noop"}],
            }
        ],
    }


def _variables(run: Run, name: str, value: Any) -> dict[str, Any]:
    # What controls and hosts say is text, never a template: as one untrusted JSON text it cannot become one.
    # The inventory may say ansible_become: false for its own plays, and variables outrank a play's keywords.
    return {
        f"{name}_json": {"__ansible_unsafe": json.dumps(value)},
        name: "{{ " + name + "_json | from_json }}",
        "hardening_campaign": run.campaign,
        "ansible_become": True,
        "ansible_become_user": "root",
    }


# These would make Ansible ask on a terminal, stop the run, or write results where we do not clean.
_OURS = {
    "ANSIBLE_ANY_ERRORS_FATAL": "False",
    "ANSIBLE_ASK_PASS": "False",
    "ANSIBLE_ASK_VAULT_PASS": "False",
    "ANSIBLE_BECOME_ASK_PASS": "False",
    "ANSIBLE_CACHE_PLUGIN": "memory",
    # Must name something; a callback for standard output is not loaded beside another one.
    "ANSIBLE_CALLBACKS_ENABLED": "minimal",
    "ANSIBLE_DEBUG": "False",
    "ANSIBLE_DEPRECATION_WARNINGS": "False",
    "ANSIBLE_DIFF_ALWAYS": "False",
    # A module that crashed shall say with which error.
    "ANSIBLE_DISPLAY_TRACEBACK": "error",
    "ANSIBLE_ENABLE_TASK_DEBUGGER": "False",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_GATHERING": "explicit",
    "ANSIBLE_HASH_BEHAVIOUR": "replace",
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_HOST_PATTERN_MISMATCH": "warning",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_KEEP_REMOTE_FILES": "False",
    "ANSIBLE_LOG_PATH": os.devnull,
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "ANSIBLE_NO_LOG": "False",
    # Else every argument of every module, values included, goes to the syslog of the host.
    "ANSIBLE_NO_TARGET_SYSLOG": "True",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_PLAYBOOK_VARS_ROOT": "top",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "ANSIBLE_RUN_VARS_PLUGINS": "demand",
    "ANSIBLE_SSH_HOST_KEY_CHECKING": "True",
    "ANSIBLE_STRATEGY": "linear",
    "ANSIBLE_TASK_TIMEOUT": "0",
    "ANSIBLE_VARS_ENABLED": "host_group_vars",
    "ANSIBLE_VERBOSITY": "0",
    "LC_ALL": "C.UTF-8",
}
_NOT_PASSED_ON = (
    "ANSIBLE_STDOUT_CALLBACK",
    "ANSIBLE_TAGS",
    "ANSIBLE_SKIP_TAGS",
    "AD_HOC_COMMAND_ID",
    "AWX_LIB_DIRECTORY",
)
