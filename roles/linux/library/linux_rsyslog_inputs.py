#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.rsyslog_inputs: rsyslog takes no messages from the network."""

from __future__ import annotations

import re

from ansible.module_utils.hardening_core import Control, System, run_module

NETWORK = r"\b(imtcp|imudp|imrelp|imptcp|imgssapi)\b|^\s*\$(InputTCPServerRun|UDPServerRun|InputRELPServerRun)"


def plan(control: Control, system: System) -> None:
    """Put the lines that load or start network inputs behind a comment sign."""
    for path in ["/etc/rsyslog.conf", *system.glob("/etc/rsyslog.d/*.conf")]:
        if system.file(path).exists:
            system.file(path).comment_out(re.compile(NETWORK, re.I), note=control.id)


if __name__ == "__main__":
    rsyslog = "rsyslog.service"
    run_module(plan, validate=[["rsyslogd", "-N1"]], reload=["restart:" + rsyslog], closes=[rsyslog])
