#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.setting: a server setting has the wanted value, now and after a restart. with: {name}."""

from __future__ import annotations

import re
import shlex
from typing import List, Optional

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_postgresql import ask, cluster_of

CONTEXTS = "SELECT json_object_agg(name, context) FROM pg_settings"


def plan(control: Control, system: System) -> None:
    """Write our drop-in, which is read last; a line that ALTER SYSTEM wrote would win, so it has to go."""
    name, value = str(control.params["name"]), str(control.value)
    if not re.match(r"^[a-z_.]+$", name) or "\n" in value:
        raise CannotApply("{!r} = {!r} is no setting on one line".format(name, value))
    cluster = cluster_of(control, system)
    context = ask(system, cluster, CONTEXTS).get(name)
    if context is None:
        raise CannotApply("this version of PostgreSQL has no setting " + name)
    if context == "internal":
        raise CannotApply(name + " was decided when the server was built or the cluster made")
    main = system.file(cluster.configuration + "/postgresql.conf")
    if not any(re.match(r"^\s*include_dir\s*=?\s*'conf\.d'", line) for line in main.lines):
        raise CannotApply(main.path + " does not say include_dir = 'conf.d'")
    quoted = "'" + value.replace("'", "''") + "'"
    dropin = system.dropin(cluster.configuration + "/conf.d/zz-hardening.conf")
    dropin.set(control.id, name + " = " + quoted)
    automatic = system.file(cluster.data + "/postgresql.auto.conf")
    if automatic.exists:
        automatic.replace_lines(r"^\s*" + re.escape(name) + r"\s*=", None)
    system.after(("restart:" if context == "postmaster" else "reload:") + cluster.unit)


def validate(system: System) -> Optional[List[str]]:
    """Let each version's own server read each planned configuration, as it would at its start."""
    commands = []
    for line in system.ask("pg_lsclusters", "-h").out.splitlines():
        version, name, _, _, owner, data = line.split()[:6]
        server = "/usr/lib/postgresql/" + version + "/bin/postgres"
        configuration = "/etc/postgresql/" + version + "/" + name + "/postgresql.conf"
        argv = ["runuser", "-u", owner, "--", server, "-D", data, "-c", "config_file=" + configuration, "-C", "port"]
        commands.append(" ".join(shlex.quote(word) for word in argv))
    return ["sh", "-c", " && ".join(commands)] if commands else None


def main() -> None:
    """Validate, then reload, or restart where a planned setting needs it."""
    run_module(plan, validate=[validate])


if __name__ == "__main__":
    main()
