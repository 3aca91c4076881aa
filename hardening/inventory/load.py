"""Sources in, hosts out: one `ansible-inventory` process in the common case."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardening.errors import AskedWrongly, BadFiles, Problem
from hardening.inventory.complaints import complaint, unmatched_pattern
from hardening.inventory.reach import Around, connection_of, connection_variables, transport_of
from hardening.inventory.resolve import needs_ansible, plain, resolve
from hardening.inventory.secrets import VaultSecrets, secret_from_file, vault_arguments
from hardening.inventory.settings import Settings, ask_settings, read_settings
from hardening.inventory.tools import Answer, Asked
from hardening.inventory.values import Inventory, InventoryHost
from hardening.model import Json
from hardening.remote.values import Secret
from hardening.yaml_lines import did_you_mean

_SECRET_NAME = re.compile(r"pass(word|wd|phrase)?(_|$)|secret|token|private_key$|credential|api_?key", re.I)


def load_inventory(
    sources: Sequence[str | Path],
    *,
    limit: str | None = None,
    vault: VaultSecrets | None = None,
    become_password: Secret | None = None,
    connection_password: Secret | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Inventory:
    """Return the hosts of the sources that match `limit` (Ansible's host patterns), each with its connection.

    A source is a file, a directory, a script, or a host list with a comma (`web01,`). The two passwords hold
    where the inventory gives none. Raises AskedWrongly with one sentence, or BadFiles with every problem of every host.
    """
    environment = os.environ if environment is None else environment
    cwd = Path.cwd() if cwd is None else cwd
    named = tuple(_checked(source, cwd) for source in sources)
    if not named:
        raise AskedWrongly("no inventory was named; give one with -i PATH")
    with vault_arguments(vault) as opening:
        where = [argument for source in named for argument in ("-i", source)]
        narrowed = ["--limit", limit] if limit else []
        listing = Asked(["ansible-inventory", "--list", *where, *narrowed, *opening], environment, cwd=cwd)
        configuring = ask_settings(environment, cwd)
        try:
            answer = listing.answer()
            settings = read_settings(configuring.answer() if configuring else None)
        finally:
            if configuring is not None:
                configuring.stop()
        listed = _listed(answer, named, limit, [*where, *opening], environment, cwd)
        variables = _usable_variables(listed, settings, [*where, *opening], environment, cwd)
    around = Around(
        settings=settings,
        sources=named,
        become_password=become_password or _password_setting(settings, "BECOME_PASSWORD_FILE", "become password"),
        connection_password=connection_password
        or _password_setting(settings, "CONNECTION_PASSWORD_FILE", "connection password"),
        we_are_root=os.geteuid() == 0,
    )
    return Inventory(sources=named, hosts=_hosts(listed, variables, around), limit=limit)


def _checked(source: str | Path, cwd: Path) -> str:
    text = str(source)
    if not text.strip():
        raise AskedWrongly("an inventory without a name was given (an unset variable?); give one with -i PATH")
    if isinstance(source, str) and "," in source:
        return text
    path = cwd / Path(text).expanduser()
    if not path.exists():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise AskedWrongly(f"{text}: there is no such inventory{did_you_mean(path.name, siblings)}")
    if not os.access(path, os.R_OK):
        raise AskedWrongly(f"{text}: the inventory may not be read by this user")
    return str(path)


def _listed(
    answer: Answer,
    sources: tuple[str, ...],
    limit: str | None,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
) -> dict[str, Any]:
    """Return what `ansible-inventory --list` printed, once it is sure to hold hosts."""
    pattern = unmatched_pattern(answer)
    if answer.exit_code != 0 and pattern is None:
        raise complaint(answer, sources)
    if pattern is None:
        try:
            listed: dict[str, Any] = json.loads(answer.stdout)
        except ValueError:
            raise AskedWrongly(f"ansible-inventory gave no JSON for {', '.join(sources)}") from None
        if _names(listed):
            return listed
        if limit is None:
            raise AskedWrongly(f"{', '.join(sources)}: the inventory is empty: it holds no host")
    # Only now is it worth asking what there is: to say what was probably meant.
    everything = Asked(["ansible-inventory", "--list", *arguments], environment, cwd=cwd).answer()
    if everything.exit_code != 0:
        raise complaint(everything, sources)
    known = json.loads(everything.stdout)
    hosts = _names(known)
    if not hosts:
        raise AskedWrongly(f"{', '.join(sources)}: the inventory is empty: it holds no host")
    if pattern is None:
        raise AskedWrongly(f"--limit {limit} leaves none of the {len(hosts)} hosts of the inventory")
    near = did_you_mean(pattern, [*hosts, *(group for group in known if group != "_meta")])
    raise AskedWrongly(f"--limit: {pattern} matches no host or group of the inventory{near}")


def _names(listed: Mapping[str, Any]) -> list[str]:
    grouped = {name for group, body in listed.items() if group != "_meta" for name in body.get("hosts", ())}
    return sorted(grouped | set(listed.get("_meta", {}).get("hostvars", {})))


def _usable_variables(
    listed: Mapping[str, Any],
    settings: Settings,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
) -> dict[str, dict[str, Any]]:
    """Return each host's connection variables as Ansible will see them."""
    known = connection_variables()
    raw: dict[str, dict[str, Any]] = {
        host: {name: plain(value) for name, value in listed["_meta"]["hostvars"].get(host, {}).items() if name in known}
        for host in _names(listed)
    }
    given = listed["_meta"]["hostvars"]
    needed = {}
    for host in raw:
        names = sorted(name for name in raw[host] if needs_ansible(given[host][name]))
        # Other connection plugins are left to Ansible altogether, with all their variables.
        if names and (transport_of(raw[host], settings) != "ansible" or "ansible_connection" in names):
            needed[host] = names
    if needed:
        for host, values in resolve(needed, arguments, environment, cwd, raw=raw).items():
            raw[host].update(values)
    return raw


def _password_setting(settings: Settings, name: str, purpose: str) -> Secret | None:
    setting = settings.base.get(name)
    return secret_from_file(Path(str(setting.value)), purpose=purpose) if setting and setting.value else None


def _hosts(
    listed: Mapping[str, Any], variables: Mapping[str, Mapping[str, Any]], around: Around
) -> tuple[InventoryHost, ...]:
    groups = _groups_by_host(listed)
    hosts, problems = [], []
    for name in variables:
        connection, refused = connection_of(name, variables[name], around)
        problems += [Problem(file=name, line=None, message=why) for why in refused]
        if connection is None:
            continue
        hosts.append(
            InventoryHost(
                name=name,
                groups=tuple(sorted(groups[name])),
                variables=_shown(listed["_meta"]["hostvars"].get(name, {})),
                connection=connection,
            )
        )
    if problems:
        raise BadFiles(problems)
    return tuple(hosts)


def _groups_by_host(listed: Mapping[str, Any]) -> dict[str, set[str]]:
    above: dict[str, set[str]] = defaultdict(set)
    for group, body in listed.items():
        for child in body.get("children", ()) if group != "_meta" else ():
            above[child].add(group)
    found: dict[str, set[str]] = defaultdict(set)
    for group, body in listed.items():
        if group == "_meta":
            continue
        ancestry, waiting = set(), [group]
        while waiting:
            one = waiting.pop()
            if one not in ancestry:
                ancestry.add(one)
                waiting += above[one]
        for host in body.get("hosts", ()):
            found[host] |= ancestry - {"all", "ungrouped"}
    return found


def _shown(variables: Mapping[str, Any]) -> dict[str, Json]:
    """Return the variables that hold no secret: not by name, and not vaulted, at any depth."""
    return {
        name: shown
        for name, value in variables.items()
        if not _SECRET_NAME.search(name) and (shown := _without_secrets(value)) is not _HIDDEN
    }


_HIDDEN: Any = object()


def _without_secrets(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, dict):
        return _HIDDEN if "__ansible_vault" in value else _shown(value)
    if isinstance(value, list):
        return [shown for inner in value if (shown := _without_secrets(inner)) is not _HIDDEN]
    return value
