#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind postgresql.public_schema_create: who may create objects in the schema public. with: {database}."""

from __future__ import annotations

from ansible.module_utils.hardening_core import Control, System, run_module
from ansible.module_utils.hardening_postgresql import cluster_of


def plan(control: Control, system: System) -> None:
    """Grant or revoke for everybody."""
    cluster_of(control, system)
    name = control.instance + "/" + str(control.params.get("database", "postgres"))
    system.resource("pg_public_create", name).change(value=bool(control.value))


def main() -> None:
    """It holds at once."""
    run_module(plan)


if __name__ == "__main__":
    main()
