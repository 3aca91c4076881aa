# SPDX-License-Identifier: Apache-2.0
"""What the modules of this role share: a cluster by its instance name, and how it is asked."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ansible.module_utils.hardening_core import CannotApply, Control, System


class Cluster(NamedTuple):
    """One line of pg_lsclusters(1)."""

    version: str
    name: str
    port: str
    owner: str
    data: str

    @property
    def configuration(self) -> str:
        """The directory of its configuration, as Debian lays it out."""
        return "/etc/postgresql/" + self.version + "/" + self.name

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return "postgresql@" + self.version + "-" + self.name + ".service"


def cluster_of(control: Control, system: System) -> Cluster:
    """Return the cluster that a control is for."""
    listed = system.ask("pg_lsclusters", "-h")
    for line in listed.out.splitlines():
        words = line.split()
        if len(words) > 5 and words[0] + "-" + words[1] == control.instance:
            return Cluster(version=words[0], name=words[1], port=words[2], owner=words[4], data=words[5])
    raise CannotApply("there is no PostgreSQL cluster " + repr(control.instance))


def ask(system: System, cluster: Cluster, query: str) -> Any:
    """Return the JSON that a query gives on the running cluster."""
    ran = system.ask(
        "runuser", "-u", cluster.owner, "--", "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
        "-p", cluster.port, "-d", "postgres", "-c", query,
    )  # fmt: skip
    if ran.rc != 0:
        raise CannotApply("the cluster cannot be asked: " + ran.said)
    try:
        return json.loads(ran.out)
    except ValueError:
        raise CannotApply("psql answered what is no JSON") from None
