"""What the command line says of itself: help with examples, and what a shell offers on Tab."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from hardening.bundle import bundled_package
from tests.command_line import ROOT, CommandLine


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield every command and group with its name."""
    waiting: list[tuple[str, click.Command]] = [("hardening", bundled_package("cli").cli)]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        if isinstance(command, click.Group):
            waiting += [(f"{name} {word}", inner) for word, inner in command.commands.items()]


@pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in every_command()])
def test_the_help_of_every_command_has_an_example_that_is_one(name: str, command: click.Command) -> None:
    """And the example's command and options exist."""
    with click.Context(command, info_name=name, **bundled_package("cli").cli.context_settings) as context:
        text = command.get_help(context)
    example = re.search(r"Example:\s+(hardening\s.*?)(?:\n\n|\.\s|$)", text, re.S)

    assert example, text
    words = example[1].split()[1:]
    shown, path, options = bundled_package("cli").cli, ["hardening"], set[str]()
    for word in words:
        options |= {spelling for parameter in shown.params for spelling in parameter.opts}
        if isinstance(shown, click.Group) and word in shown.commands:
            shown = shown.commands[word]
            path.append(word)
    options |= {spelling for parameter in shown.params for spelling in parameter.opts}
    assert not isinstance(shown, click.Group), f"{words} names no command"
    assert " ".join(path).startswith(name)
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_every_shell_parses(hardening: CommandLine, shell: str) -> None:
    """The shell itself reads it, where it is installed; bash always is."""
    said = hardening("completion", shell)

    assert said.code == 0
    assert "_HARDENING_COMPLETE" in said.out
    program = shutil.which(shell)
    if program is None:
        assert shell != "bash"
        return
    parsed = subprocess.run([program, "-n"], input=said.out, text=True, capture_output=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sc", "scan"),
        ("scan -p ow", "own"),
        ("scan --control linux_own_m", "linux_own_mode"),
        ("scan --component lin", "linux"),
        ("controls show own_text", "linux_own_text"),
        ("profiles show server", "server-strict"),
        ("scan --fail-on crit", "critical"),
        ("report 20", "-scan-"),
    ],
)
def test_bash_completes_what_the_catalogue_and_the_ledger_know(
    hardening: CommandLine, words: str, offered: str
) -> None:
    """Through the very script that `completion bash` prints, in a bash of its own."""
    if offered == "-scan-":
        assert hardening.scan().code == 0
    *before, begun = words.split()
    program = hardening.place / "hardening"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "cli.py"} "$@"\n')
    program.chmod(0o755)
    line = ["./hardening", "--baselines", "base", *before, begun]
    ask = f"COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1}; _hardening_completion ./hardening"
    script = f"{hardening('completion', 'bash').out}\n{ask}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run(["bash"], input=script, cwd=hardening.place, capture_output=True, text=True, check=True)

    replies = done.stdout.split()
    assert replies, done.stderr
    assert all(offered in reply for reply in replies)
