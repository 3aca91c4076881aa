"""Look at many hosts at once without an agent: one session per host, commands in batches, testinfra on top."""

from __future__ import annotations

from hardening.remote.client import client_offers, trusted_key_types
from hardening.remote.errors import CommandTimeout, NoAnswer, OutputTooLarge, TransportLost
from hardening.remote.hub import look
from hardening.remote.scope import HostScope
from hardening.remote.values import (
    Become,
    Connection,
    Difference,
    Failure,
    HostJob,
    HostProgress,
    HostReport,
    Limits,
    Outcome,
    Secret,
    Traffic,
)
from hardening.remote.verify import Comparison, compare, verify

__all__ = [
    "Become",
    "CommandTimeout",
    "Comparison",
    "Connection",
    "Difference",
    "Failure",
    "HostJob",
    "HostProgress",
    "HostReport",
    "HostScope",
    "Limits",
    "NoAnswer",
    "Outcome",
    "OutputTooLarge",
    "Secret",
    "Traffic",
    "TransportLost",
    "client_offers",
    "compare",
    "look",
    "trusted_key_types",
    "verify",
]
