"""The options that several commands share, in groups: what to look at, how to get in, what to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from hardening.commands.completing import component_names, control_names, profile_names
from hardening.model import Severity
from hardening.reports import FORMATS
from hardening.reports.junit import Dialect
from hardening.steering import Steering
from hardening.waves import WaveRules, Window
from hardening.yaml_lines import did_you_mean

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return add


combined = _options


def _report_files(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Return format and path of every `NAME=PATH`."""
    files = []
    for said in values:
        name, equals, path = said.partition("=")
        if not equals or not path:
            sentence = f"{said}: say which format, and where: --format {name if name in FORMATS else 'csv'}=PATH"
            raise click.BadParameter(sentence, ctx, param)
        if name not in FORMATS:
            near = did_you_mean(name, FORMATS)
            raise click.BadParameter(f"{name} is not a format{near} (known: {', '.join(FORMATS)})", ctx, param)
        files.append((name, Path(path)))
    return tuple(files)


output_options = _options(
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    click.option(
        "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of reports."
    ),
)
report_options = _options(
    click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML here."),
    click.option(
        "--junit-dialect",
        type=click.Choice([dialect.value for dialect in Dialect]),
        default=Dialect.JENKINS.value,
        show_default=True,
        help="Whom the JUnit file is for, where they differ (docs/formats.md).",
    ),
    click.option("--junit-before", is_flag=True, help="Also the look before the change, as suites of its own."),
    click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the HTML report here."),
    click.option("--json-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the JSON report here."),
    click.option(
        "--format",
        "formats",
        metavar="NAME=PATH",
        callback=_report_files,
        multiple=True,
        help=f"Write a report there (may be repeated); NAME is one of {', '.join(FORMATS)}.",
    ),
    output_options,
)
PASSWORD_FILE = click.Path(path_type=Path, dir_okay=False)
host_options = _options(
    click.option(
        "-i", "--inventory", "inventory", multiple=True, help="Inventory file, directory or script (may be repeated)."
    ),
    click.option("--become-password-file", type=PASSWORD_FILE, help="File with the password for sudo or su."),
    click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the password for sudo or su."),
    click.option("--connection-password-file", type=PASSWORD_FILE, help="File with the ssh password."),
    click.option(
        "--vault-id",
        "--vault-password-file",
        "vault_ids",
        multiple=True,
        help="Ansible vault password: FILE or LABEL@FILE (may be repeated).",
    ),
    click.option(
        "--sessions", type=click.IntRange(1, 2000), default=128, show_default=True, help="Most ssh sessions at once."
    ),
    click.option(
        "--host-timeout", type=click.FloatRange(1), default=300.0, show_default=True, help="Seconds for one host."
    ),
    click.option(
        "--command-timeout",
        type=click.FloatRange(0.1),
        default=30.0,
        show_default=True,
        help="Seconds for one command.",
    ),
    click.option("--forks", type=click.IntRange(1, 500), default=10, show_default=True, help="Hosts changed at once."),
)
window_option = click.option(
    "--window", metavar="HH:MM-HH:MM", help="No wave starts that cannot end in this span of local time, every day."
)
wave_options = _options(
    click.option(
        "--canary",
        type=click.IntRange(0),
        default=WaveRules.canary,
        show_default=True,
        help="Hosts of the first wave; each next one is four times as large.",
    ),
    click.option(
        "--wave-size",
        type=click.IntRange(1),
        default=WaveRules.largest,
        show_default=True,
        help="Most hosts of a wave.",
    ),
    click.option(
        "--max-failed",
        type=click.IntRange(0),
        default=WaveRules.max_failed,
        show_default=True,
        help="Hosts that may fail before no further wave starts: not seen again, answers missing, "
        "or over a tenth of their changes failed.",
    ),
    click.option(
        "--pause", type=click.FloatRange(0), default=WaveRules.pause_s, show_default=True, help="Seconds between waves."
    ),
    click.option(
        "--guard",
        type=click.FloatRange(0),
        default=WaveRules.guard_s,
        show_default=True,
        help="Seconds after which a host undoes changes of class lockout by itself unless a new login works; "
        "0: no guard.",
    ),
    window_option,
)


def wave_rules(options: Mapping[str, Any]) -> WaveRules:
    """Return what the wave options say. Raises AskedWrongly for a window that is none."""
    return WaveRules(
        canary=options["canary"],
        largest=options["wave_size"],
        max_failed=options["max_failed"],
        pause_s=options["pause"],
        guard_s=options["guard"],
        window=window_of(options),
    )


def window_of(options: Mapping[str, Any]) -> Window | None:
    """Return the maintenance window that was named. Raises AskedWrongly for one that is none."""
    return None if options["window"] is None else Window.parse(options["window"])


docx_template_option = click.option(
    "--docx-template",
    "template",
    type=PASSWORD_FILE,
    help="Your own Word template for .docx (docs/inspection.md).",
)
break_option = click.option(
    "--break-lease",
    "breaking",
    metavar="CAMPAIGN",
    multiple=True,
    help="Take over the hosts that this campaign, which was killed or is another ledger's, still holds; recorded.",
)
steering_options = _options(
    click.option("--skip", "skip", metavar="HOST", multiple=True, help="Leave this host out (may be repeated)."),
    click.option("--because", metavar="REASON", help="Why hosts are skipped; recorded with them."),
    break_option,
)


def steering_of(options: Mapping[str, Any]) -> Steering:
    """Return what is said about single hosts and leases. Raises AskedWrongly for a skip without a reason."""
    return Steering(skip=options["skip"], because=options["because"], breaking=options["breaking"])


waiver_option = click.option(
    "--waivers", type=PASSWORD_FILE, help="Waiver file [default: waivers.yml of the workspace]."
)
control_option = click.option(
    "--control",
    "controls",
    multiple=True,
    shell_complete=control_names,
    help="Only this control (may be repeated).",
)
filter_options = _options(
    click.option("-l", "--limit", help="Ansible host pattern."),
    control_option,
    click.option(
        "--component",
        "components",
        multiple=True,
        shell_complete=component_names,
        help="Only this component (may be repeated).",
    ),
    click.option(
        "--severity",
        type=click.Choice([s.value for s in Severity]),
        default="low",
        help="Only controls at least this severe.",
    ),
    waiver_option,
)
profile_option = click.option("-p", "--profile", shell_complete=profile_names, help="Profile to look with.")
look_options = _options(profile_option, filter_options, host_options)
