"""What is asked wrongly is said in one sentence with exit code 2, and leaves nothing behind, not even a ledger."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hardening.ledger import open_ledger
from tests.command_line import CommandLine, Said
from tests.ledger_store.tampering import hold_write_lock, raw_connection, tamper
from tests.loopback_sshd import SSHD, loopback_sshd


def refused(said: Said, sentence: str, *, code: int = 2) -> None:
    """Assert one refusal: the exit code, the sentence, nothing on standard output, and no traceback."""
    assert said.code == code, said.err
    assert re.search(sentence, said.err), said.err
    assert said.out == ""
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-i", "hosts"), r"say what to look with: -p PROFILE"),
        (("-p", "own"), r"say which hosts: -i INVENTORY"),
        (("-i", "hosts", "-p", "owm"), r"owm is not a profile; did you mean own\?"),
        (("-i", "hosts", "-p", "own", "--control", "linux_own_mod"), r"linux_own_mod is not .*mean linux_own_mode\?"),
        (("-i", "hosts", "-p", "own", "--component", "linus"), r"linus is not a component .*did you mean linux\?"),
        (("-i", "hosts", "-p", "own", "--severity", "critical"), r"no control left after the filters"),
        (("-i", "hosts", "-p", "own", "--severity", "bad"), r"'bad' is not one of"),
        (("-i", "", "-p", "own"), r"an inventory without a name was given"),
        (("-i", "host", "-p", "own"), r"host: there is no such inventory; did you mean hosts\?"),
        (("-i", "hosts", "-p", "own", "-l", "her"), r"--limit: her matches no host or group.*mean here\?"),
        (("-i", "hosts", "-p", "own", "--waivers", "w.yml"), r"w\.yml: there is no such waiver file"),
        (("-i", "hosts", "-p", "own", "--vault-id", "v"), r"v: there is no such vault password file"),
        (("-i", "hosts", "-p", "own", "--become-password-file", "b"), r"b: there is no such become password file"),
        (("-i", "hosts", "-p", "own", "--junit", "text/j.xml"), r"text/j\.xml: cannot be written: .*text is no dir"),
        (("-i", "hosts", "-p", "own", "--format", "cvs=a.csv"), r"cvs is not a format; did you mean csv\?"),
        (("-i", "hosts", "-p", "own", "--format", "a.csv"), r"a\.csv: say which format, and where: --format "),
        (("-i", "hosts", "-p", "own", "--format", "csv="), r"csv=: say which format, and where: --format csv=PATH"),
        (("-i", "hosts", "-p", "own", "--format", "csv=text/a.csv"), r"text/a\.csv: cannot be written: .*text is no d"),
        (("-i", "hosts", "-p", "own", "--format", "csv=base"), r"base: is a directory"),
        (("-i", "hosts", "-p", "own", "--format", "csv=a", "--html", "a"), r"a: is named for two reports"),
        (("-i", "hosts", "-p", "own", "--html", "base"), r"'base' is a directory|base: is a directory"),
    ],
)
def test_a_wrong_argument_is_named(hardening: CommandLine, arguments: tuple[str, ...], sentence: str) -> None:
    """And no ledger was made for a scan that never was."""
    said = hardening("scan", *arguments)

    refused(said, sentence)
    assert not (hardening.place / ".hardening").exists()


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("", 0o644, r"the inventory is empty"),
        ("#!/bin/sh\necho no database >&2\nexit 3\n", 0o755, r"inv: .*no database"),
        ("here ansible_connection=local\nthere ansible_connection=local\n", 0o644, r"here.*there.*name each host once"),
        ("all:\n  hosts: [\n", 0o644, r"inv\.yml:\d+: "),
    ],
)
def test_an_inventory_that_is_none_is_refused(hardening: CommandLine, text: str, mode: int, sentence: str) -> None:
    """Empty, a failing script, one machine under two names, broken YAML."""
    path = hardening.place / ("inv.yml" if text.startswith("all") else "inv")
    path.write_text(text)
    path.chmod(mode)

    refused(hardening("scan", "-p", "own", "-i", path), sentence)
    assert not (hardening.place / ".hardening").exists()


def test_a_machine_that_answers_under_two_names_is_named(
    hardening: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its addresses differ, so that only the machine itself can tell; both names are looked at all the same."""
    if not SSHD or os.geteuid() != 0:
        pytest.skip("needs root and openssh-server on this machine")
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as server:
        key = f"ansible_user=root ansible_port={server.port} ansible_private_key_file={server.home}/user"
        known = f"ansible_ssh_common_args='-o UserKnownHostsFile={server.home}/known_hosts'"
        with (hardening.place / "hosts").open("a") as hosts:
            hosts.write(f"there ansible_host=127.0.0.1 {key} {known}\n")
        both = hardening.scan()
        alone = hardening.scan("--limit", "there")

    assert (both.code, alone.code) == (0, 0), both.err + alone.err
    assert "here, there have the same /etc/machine-id: one machine under several names" in both.err
    assert "machine-id" not in alone.err


def test_a_vaulted_inventory_without_its_password_says_which_option_opens_it(hardening: CommandLine) -> None:
    """The option that the sentence names exists, and opens it."""
    group_vars = hardening.place / "group_vars"
    group_vars.mkdir()
    (group_vars / "all.yml").write_text("ansible_become_password: hidden\n")
    (hardening.place / "key").write_text("open sesame\n")
    vault = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-id", "key", "group_vars/all.yml"]
    subprocess.run(vault, cwd=hardening.place, check=True, capture_output=True)

    closed = hardening.scan()
    opened = hardening.scan("--vault-password-file", "key")

    refused(closed, "--vault-password-file FILE")
    assert opened.code == 0, opened.err


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "linux/own.yml",
            "kind: linux.banner",
            "kind: linux.baner",
            r"own\.yml:\d+: .*linux\.baner is not a kind.*banner",
        ),
        ("linux/own.yml", "severity: low", "severity: [low", r"own\.yml:\d+: broken YAML"),
        ("linux/own.yml", "severity: low", "severity: minor", r"own\.yml:\d+: linux_own_text: severity: "),
        (
            "linux/own.yml",
            '"Debian"}',
            '"Debian("}',
            r"own\.yml:\d+: linux_own_text: .*no regular expression: missing \)",
        ),
        ("linux/own.yml", '"0644"}', '"rw-r--r--"}', r"own\.yml:\d+: linux_own_mode: .*no octal mode"),
        ("linux/own.yml", 'mode_at_most: "0644"', "at_most: few", r"own\.yml:\d+: linux_own_mode: .*few is no num"),
        ("linux/own.yml", "/text}", "/text, pth: 1}", r"own\.yml:\d+: .*pth is not known here.*path"),
        (
            "profiles/own.yml",
            "linux_own_text",
            "linux_own_txt",
            r"own\.yml:\d+: linux_own_txt is not a control.*text\?",
        ),
        (
            "profiles/own.yml",
            "linux_own_mode: {}",
            'linux_own_mode: {want: {mode_at_most: "0666"}}',
            r"own\.yml:\d+: linux_own_mode is weaker here than in .*own\.yml:2; say `because: reason`",
        ),
    ],
)
def test_a_broken_catalogue_is_named_with_file_and_line(
    hardening: CommandLine, file: str, old: str, new: str, sentence: str
) -> None:
    """Unknown kind, broken YAML, wrong types, unknown controls, and a profile that weakens a value without a reason."""
    path = hardening.place / "base" / file
    path.write_text(path.read_text().replace(old, new))

    refused(hardening("baseline", "check"), sentence)


def test_a_profile_of_a_shipped_name_is_no_silent_replacement(hardening: CommandLine) -> None:
    """Or a workspace could weaken what everybody takes for the shipped profile."""
    (hardening.place / "more" / "profiles").mkdir(parents=True)
    (hardening.place / "more" / "profiles" / "own.yml").write_text(
        "title: Less\ntitle_zh: 更少的控制\ncontrols: {linux_own_mode: {}}\n"
    )

    refused(
        hardening("--baselines", "more", "profiles", "list"), r"more/profiles/own\.yml:1: own is also defined in base"
    )


@pytest.mark.parametrize("command", [("status", "--verify"), ("report",), ("undo", "latest"), ("resume",)])
def test_a_workspace_without_a_ledger_is_not_an_empty_one(hardening: CommandLine, command: tuple[str, ...]) -> None:
    """A mistyped workspace would otherwise verify, with exit code 0."""
    said = hardening("--workspace", "elsewhere", *command)

    refused(said, "there is no ledger yet; `hardening scan` makes one")
    assert not (hardening.place / "elsewhere").exists()


def test_the_ledger_says_why_it_cannot_be_used(hardening: CommandLine) -> None:
    """From a newer version: 2, and untouched. Tampered with: `status --verify` answers 4 and names the entry."""
    ledger = hardening.place / ".hardening" / "ledger.sqlite3"
    assert hardening.scan().code == 0
    sound = hardening("status", "--verify")
    tamper(str(ledger), "UPDATE entries SET payload = replace(payload, 'Welcome', 'welcome') WHERE seq = 2")
    forged = hardening("status", "--verify")
    undo = hardening("undo", "latest")
    tamper(str(ledger), "INSERT INTO schema_version (version, applied_at) VALUES (99, 'later')")
    newer = hardening("status")

    assert (sound.code, "the hash chain verifies" in sound.out) == (0, True)
    assert forged.code == 4
    assert "was changed" in forged.out
    refused(undo, "the ledger does not verify|was changed|does not match", code=4)
    refused(newer, r"newer version \(its schema is 99")


def test_init_overwrites_nothing(hardening: CommandLine) -> None:
    """Neither all of it nor a single file, and it names the one in the way."""
    (hardening.place / "made").mkdir()
    (hardening.place / "made" / "waivers.yml").write_text("mine\n")

    refused(hardening("init", "made", "-p", "own"), r"made/waivers\.yml exists already")
    assert [path.name for path in (hardening.place / "made").iterdir()] == ["waivers.yml"]
    fresh = hardening("init", "fresh", "-p", "own", "--json")
    assert fresh.code == 0
    assert all((hardening.place / name).is_file() for name in fresh.document()["written"])


def test_the_ci_files_of_a_workspace_ask_for_what_there_is(hardening: CommandLine) -> None:
    """Both install a wheel of one's own, never a stranger's package of that name, and their command is one of ours."""
    assert hardening("init", "fresh", "-p", "own").code == 0
    gitlab = yaml.safe_load((hardening.place / "fresh/.gitlab-ci.yml").read_text())["hardening"]
    github = yaml.safe_load((hardening.place / "fresh/.github/workflows/hardening.yml").read_text())
    steps = [step["run"] for step in github["jobs"]["scan"]["steps"] if "run" in step]

    assert gitlab["script"] == steps == ['pip install "$HARDENING"', steps[1]]
    for variables in (gitlab["variables"], github["jobs"]["scan"]["env"]):
        assert re.fullmatch(r"wheels/hardening-[\w.]+-py3-none-any\.whl", variables["HARDENING"])
    words = shlex.split(steps[1].replace("-i inventory", "-i fresh/inventory"))
    assert words[0] == "hardening"
    assert {"-p", "own", "--junit", "--html"} <= set(words)
    refused(hardening(*words[1:], "-l", "nowhere"), "nowhere matches no host")


WAIVER = """\
waivers:
- control: {control}
  hosts: [here]
  owner: Network team
  reason: It must be so.
  compensating: Somebody watches it.
  ticket: CHG-1
  {expires}
"""


@pytest.mark.parametrize(
    ("control", "expires", "sentence"),
    [
        ("linux_own_mod", "expires: 2099-01-01", r"waivers\.yml:2: linux_own_mod is not a control.*linux_own_mode\?"),
        ("linux_own_mode", "note: none", r"waivers\.yml:\d+: .*expires: Field required"),
        ("linux_own_mode", "expires: never", r"waivers\.yml:8: expires: "),
        ("linux_own_mode", "expires: 2099-02-30", r"waivers\.yml:8: 2099-02-30 is no date: "),
    ],
)
def test_a_wrong_waiver_is_named_with_file_and_line(
    hardening: CommandLine, control: str, expires: str, sentence: str
) -> None:
    """An unknown control, no end, and an end that is no day."""
    (hardening.place / "waivers.yml").write_text(WAIVER.format(control=control, expires=expires))

    refused(hardening.scan(), sentence)


def test_a_locked_ledger_is_waited_for_and_then_said(
    hardening: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Incomplete, with nothing half recorded; the scan that follows works."""
    assert hardening.scan().code == 0
    ledger = str(tmp_path / ".hardening" / "ledger.sqlite3")
    # People wait thirty seconds.
    monkeypatch.setitem(open_ledger.__kwdefaults__ or {}, "wait_s", 1.0)

    with raw_connection(ledger) as connection:
        hold_write_lock(connection)
        said = hardening.scan()

    refused(said, "another process|locked", code=3)
    assert hardening.scan().code == 0
    assert len(hardening("status", "--json").document()["campaigns"]) == 2


@pytest.mark.parametrize("name", ["rack1/web01", "web01\nweb02"])
def test_a_name_that_nothing_can_be_written_under_is_refused_before_anything_begins(
    hardening: CommandLine, name: str
) -> None:
    """A campaign that began would keep its hosts for a `resume` that fails as well."""
    plain, odd = hardening.place / "plain.yml", hardening.place / "odd.yml"
    for path, host in ((plain, "web01"), (odd, name)):
        reach = {"ansible_connection": "local", "ansible_become": os.geteuid() != 0}
        path.write_text(yaml.safe_dump({"all": {"hosts": {host: reach}}}))
    (hardening.place / "file").chmod(0o666)
    assert hardening("plan", "-i", plain, "-p", "own", "--no-preview").code == 1

    refused = hardening("plan", "-i", odd, "-p", "own", "--no-preview", "-o", "odd-plan.yml")

    assert (refused.code, "no slash and no control character" in refused.err) == (2, True), refused.err
    assert len(hardening("status", "--json").document()["campaigns"]) == 1
