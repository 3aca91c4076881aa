"""The option by which a person says that a predicted breakage may come true: one code at a time, never all."""

from __future__ import annotations

from collections.abc import Sequence

import click

from hardening.errors import AskedWrongly
from hardening.preflights import preflights
from hardening.yaml_lines import did_you_mean

acknowledge_option = click.option(
    "--acknowledge",
    metavar="CODE[@HOST]",
    multiple=True,
    help="Go on although this is expected to break, everywhere or on one host (may be repeated).",
)


def check_acknowledged(said: Sequence[str], hosts: Sequence[str], *, of: str = "the plan") -> None:
    """Refuse a code that no preflight has, and a host that the plan (or `of`) does not change."""
    for each in said:
        code, at, host = each.partition("@")
        if code not in preflights():
            near = did_you_mean(code, preflights())
            raise AskedWrongly(
                f"--acknowledge {each}: {of} names each code it needs, and no preflight is called {code}{near}"
            )
        if at and host not in hosts:
            raise AskedWrongly(f"--acknowledge {each}: {of} changes no host {host}{did_you_mean(host, hosts)}")
