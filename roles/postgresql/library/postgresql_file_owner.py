#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.file_owner: a file of the cluster. with: {file}."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_postgresql import ask, cluster_of

PLACES = "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN ('ssl_key_file', 'ssl_cert_file')"


def plan(control: Control, system: System) -> None:
    """Set it on the file itself, behind links."""
    file = system.file(path_of(control, system))
    if not file.exists:
        raise CannotApply(file.path + " does not exist")
    user, _, group = str(control.value).partition(":")
    file.set_owner(user, group)


def path_of(control: Control, system: System) -> str:
    """Return where the file is in this cluster."""
    cluster, name = cluster_of(control, system), str(control.params["file"])
    if name in ("key", "certificate"):
        place = str(ask(system, cluster, PLACES)[{"key": "ssl_key_file", "certificate": "ssl_cert_file"}[name]])
        return place if place.startswith("/") else cluster.data + "/" + place
    return {"data": cluster.data, "configuration": cluster.configuration}.get(name, cluster.configuration + "/" + name)


def main() -> None:
    """Nothing has to be reloaded."""
    run_module(plan)


if __name__ == "__main__":
    main()
