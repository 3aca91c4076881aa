#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.roles_with: only the named roles hold an attribute. with: {attribute}; value: the roles that may."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module
from ansible.module_utils.hardening_postgresql import ask, cluster_of

COLUMNS = {
    "createrole": "rolcreaterole",
    "createdb": "rolcreatedb",
    "replication": "rolreplication",
    "bypassrls": "rolbypassrls",
}


def plan(control: Control, system: System) -> None:
    """Take the attribute from every other role that is no superuser."""
    attribute = str(control.params["attribute"])
    if attribute not in COLUMNS or not isinstance(control.value, list):
        raise CannotApply("only " + ", ".join(sorted(COLUMNS)) + " can be taken, and the value lists who keeps it")
    cluster = cluster_of(control, system)
    query = (
        "SELECT coalesce(json_agg(rolname), '[]') FROM pg_roles WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%' AND "
        + COLUMNS[attribute]
    )
    for role in ask(system, cluster, query):
        if role not in control.value:
            name = control.instance + "/" + role + "/" + attribute
            system.resource("pg_role_attribute", name).change(value=False)


def main() -> None:
    """It holds at once."""
    run_module(plan)


if __name__ == "__main__":
    main()
