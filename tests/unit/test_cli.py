"""What the command line prints, writes and answers, on this machine and without a lab."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from hardening.reports import FORMATS
from tests.command_line import ROOT, CommandLine, survivors
from tests.loopback_sshd import SSHD, descendants, loopback_sshd


def test_json_is_one_document_on_standard_output_and_nothing_else(hardening: CommandLine) -> None:
    """Of every command that needs no host to change; apply, undo and resume are shown in the lab."""
    asked: list[tuple[str | Path, ...]] = [
        ("scan", "-i", "hosts", "-p", "own"),
        ("plan", "-i", "hosts", "-p", "own"),
        ("report", "latest-scan"),
        ("status",),
        ("status", "--verify"),
        ("controls", "list"),
        ("controls", "show", "linux_own_mode"),
        ("profiles", "list"),
        ("profiles", "show", "own"),
        ("baseline", "check"),
        ("init", "new", "-p", "own"),
        ("waivers", "list"),
        ("completion", "bash"),
    ]

    for command in asked:
        said = hardening(*command, "--json")
        assert said.code == 0, (command, said.err)
        assert said.document() is not None


def test_reports_are_written_where_they_were_asked_for(hardening: CommandLine) -> None:
    """JUnit, HTML and JSON, into directories that did not exist; all three of the same campaign."""
    (hardening.place / "file").chmod(0o666)
    said = hardening.scan("--junit", "out/j.xml", "--html", "out/r.html", "--json-file", "out/r.json", "--json")
    again = hardening("report", "--junit", "again/j.xml")

    campaign = said.document()["campaign"]["id"]
    assert (said.code, again.code) == (1, 1)
    assert campaign in (hardening.place / "out/r.html").read_text()
    assert json.loads((hardening.place / "out/r.json").read_text()) == said.document()
    suites = ET.parse(hardening.place / "out/j.xml").getroot()  # noqa: S314 - our own file
    assert [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None] == [
        case.get("name") for case in suites.iter("testcase") if "linux_own_mode" in str(case.get("name"))
    ]
    assert (hardening.place / "again/j.xml").read_text() == (hardening.place / "out/j.xml").read_text()


def test_every_format_is_written_where_it_was_asked_for(hardening: CommandLine) -> None:
    """By `scan`, and again by `report`, which touches no host: the same bytes, for every format there is."""
    (hardening.place / "file").chmod(0o666)
    # A PDF needs LibreOffice; what is said without it is tested with the documents.
    formats = {name: held for name, held in FORMATS.items() if name != "pdf" or shutil.which("soffice")}
    asked = [f"--format={name}=first/{name}{held.suffix}" for name, held in formats.items()]
    said = hardening.scan(*asked)
    again = hardening("report", *(option.replace("=first/", "=again/") for option in asked))

    assert (said.code, again.code) == (1, 1)
    first = {path.name: path.read_bytes() for path in (hardening.place / "first").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (hardening.place / "again").iterdir()}
    assert set(first) == {f"{name}{held.suffix}" for name, held in formats.items()}
    assert all(first.values())


def test_fail_on_is_the_least_severity_that_answers_one(hardening: CommandLine) -> None:
    """A gap below it is shown and answers 0; what could not be seen answers 3 whatever the threshold."""
    (hardening.place / "text").write_text("Debian\n")  # low

    low, medium = hardening.scan(), hardening.scan("--fail-on", "medium")
    (hardening.place / "text").unlink()
    (hardening.place / "text").mkdir()
    unseen = hardening.scan("--fail-on", "critical")

    assert (low.code, medium.code, unseen.code) == (1, 0, 3)
    assert "linux_own_text" in medium.out


def test_a_waiver_covers_until_its_day_and_not_after(hardening: CommandLine) -> None:
    """Valid: WAIVED and 0. Expired: FAIL and 1. For another host: FAIL and 1."""
    (hardening.place / "file").chmod(0o666)
    entry = {
        "control": "linux_own_mode",
        "hosts": ["here"],
        "owner": "Network team",
        "reason": "It must be so.",
        "compensating": "Somebody watches it.",
        "ticket": "CHG-1",
        "expires": f"{datetime.now(UTC).date() + timedelta(days=3):%Y-%m-%d}",
    }
    expired = {**entry, "expires": f"{datetime.now(UTC).date() - timedelta(days=1):%Y-%m-%d}"}
    found = []

    for body in (entry, expired, {**entry, "hosts": ["elsewhere"]}):
        # JSON is YAML, but dates must stand unquoted.
        text = re.sub(r'"(\d{4}-\d\d-\d\d)"', r"\1", json.dumps({"waivers": [body]}))
        (hardening.place / "waivers.yml").write_text(text)
        said = hardening.scan("--json")
        found.append((said.code, hardening.statuses(said)["linux_own_mode"]))

    assert found == [(0, "WAIVED"), (1, "FAIL"), (1, "FAIL")]


def test_waivers_that_end_soon_are_listed_and_answer_one(hardening: CommandLine) -> None:
    """Ended: 1. Within the span: 1. Later: 0, and not in the list of those that end soon."""
    ends = {"soon": 3, "later": 90}
    today = datetime.now(UTC).date()
    entries = "".join(
        f"  - {{control: linux_own_mode, hosts: [{name}], owner: Net, reason: It must., compensating: Watched,"
        f" ticket: T-1, expires: {today + timedelta(days=days)}}}\n"
        for name, days in ends.items()
    )
    (hardening.place / "waivers.yml").write_text("waivers:\n" + entries)

    everything = hardening("waivers", "list", "--json")
    within = hardening("waivers", "list", "--expiring", "30d", "--json")
    none = hardening("waivers", "list", "--expiring", "2d")
    wrong = hardening("waivers", "list", "--expiring", "soon")
    (hardening.place / "waivers.yml").write_text("waivers:\n" + entries.replace(str(today.year), "2020"))
    ended = hardening("waivers", "list")

    assert (everything.code, [row["hosts"] for row in everything.document()]) == (0, [["soon"], ["later"]])
    assert (within.code, [(row["hosts"], row["days_left"]) for row in within.document()]) == (1, [(["soon"], 3)])
    assert (none.code, none.out) == (0, "0 of 2 waivers\n")
    assert wrong.code == 2
    assert "written like 30d" in wrong.err
    assert ended.code == 1
    assert "expired" in ended.out


def test_a_plan_as_json_holds_what_the_file_holds(hardening: CommandLine) -> None:
    """Items, reasons and the digest, for programs that approve plans."""
    (hardening.place / "file").chmod(0o666)
    said = hardening("plan", "-i", "hosts", "-p", "own", "--no-preview", "-o", "plans/friday.yml", "--json")
    document = said.document()

    assert document["plan_file"] == "plans/friday.yml"
    assert document["plan"] == yaml.safe_load((hardening.place / "plans" / "friday.yml").read_text())
    assert [item["control"] for item in document["plan"]["hosts"]["here"]] == ["linux_own_mode"]


def test_batching_is_compared_with_the_stock_backend_on_every_host_or_says_where_not(hardening: CommandLine) -> None:
    """A host that the stock backend cannot reach as we do answers 3 and is named: silence proves nothing."""
    good = hardening.scan("--verify-batching")
    hosts = hardening.place / "hosts"
    hosts.write_text(hosts.read_text() + "there ansible_host=127.0.0.1 ansible_port=9 ansible_password=x\n")
    unlike = hardening.scan("--verify-batching")

    assert good.code == 0, good.err
    assert re.search(r"here: [1-9]\d* commands compared with testinfra's own backend, 0 replies differ", good.err)
    assert unlike.code == 3
    assert "there: not compared with testinfra's own backend: the stock backend cannot make this" in unlike.err


def test_what_cannot_be_read_is_never_a_verdict(hardening: CommandLine) -> None:
    """A hundred megabytes, a command that hangs, and text that is no UTF-8: two errors, one verdict, and no hang."""
    text = hardening.place / "text"
    seen = {}

    text.write_bytes(b"x" * 100_000_000)
    seen["large"] = hardening.scan("--json")
    text.unlink()
    os.mkfifo(text)
    seen["hanging"] = hardening.scan("--json", "--command-timeout", "1")
    text.unlink()
    text.write_bytes(b"\xff\xfe Willkommen \x80\n")
    seen["latin"] = hardening.scan("--json")

    statuses = {name: (said.code, hardening.statuses(said)) for name, said in seen.items()}
    reasons = {name: [finding["reason"] for finding in said.document()["findings"]] for name, said in seen.items()}
    assert statuses == {
        "large": (3, {"linux_own_mode": "PASS", "linux_own_text": "ERROR"}),
        "hanging": (3, {"linux_own_mode": "PASS", "linux_own_text": "ERROR"}),
        "latin": (0, {"linux_own_mode": "PASS", "linux_own_text": "PASS"}),
    }, reasons


def test_a_host_that_dies_midway_is_unreachable_for_the_rest(
    hardening: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What was not seen is UNREACHABLE and no failure, the reason is said, the answer is 3, and nothing is left."""
    if not SSHD or os.geteuid() != 0:
        pytest.skip("needs root and openssh-server on this machine")
    text = hardening.place / "text"
    text.unlink()
    os.mkfifo(text)
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as server:
        (hardening.place / "hosts").write_text(
            f"there ansible_host=127.0.0.1 ansible_user=root ansible_port={server.port}"
            f" ansible_private_key_file={server.home}/user"
            f" ansible_ssh_common_args='-o UserKnownHostsFile={server.home}/known_hosts'\n"
        )
        process = hardening.start("scan", "-i", "hosts", "-p", "own", "--json")
        # Opening for writing returns when the look has opened it for reading: the scan is in the middle.
        pipe = os.open(text, os.O_WRONLY)
        started = descendants(process.pid)
        server.stop()
        out, err = process.communicate(timeout=120)
        os.close(pipe)

    document = json.loads(out)
    found = {finding["control"]: (finding["status"], finding["reason"]) for finding in document["findings"]}
    assert process.returncode == 3, err
    assert found["linux_own_text"][0] == "UNREACHABLE"
    assert "refused the connection" in found["linux_own_text"][1]
    assert found["linux_own_mode"][0] in ("PASS", "UNREACHABLE")
    assert "Traceback" not in err
    assert survivors(started, within_s=10) == []


def test_a_reader_that_leaves_changes_no_answer(hardening: CommandLine) -> None:
    """`hardening ... | head -1` neither complains nor answers 1, which would mean gaps."""
    for command in (("controls", "list"), ("scan", "-i", "hosts", "-p", "own"), ("controls", "list", "--json")):
        reading, writing = os.pipe()
        os.close(reading)
        argv = [sys.executable, str(ROOT / "cli.py"), "--baselines", "base", *command]
        done = subprocess.run(argv, cwd=hardening.place, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)

        assert (done.returncode, done.stderr) == (0, ""), command


@pytest.mark.parametrize("end", ["gone", "full"])
def test_a_progress_that_nobody_hears_changes_no_answer(hardening: CommandLine, end: str) -> None:
    """`2>&1 | head -1` and a log on a full disk end no campaign: what was done is recorded and answered."""
    waiver = "{control: linux_own_mode, hosts: [nobody], owner: Net, reason: It must., compensating: Watched,"
    (hardening.place / "waivers.yml").write_text(
        f"waivers:\n  - {waiver} ticket: T-1, expires: {(datetime.now(UTC) + timedelta(days=9)).date()}}}\n"
    )
    assert "nobody" in hardening.scan().err
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)

    process = hardening.start("scan", "-i", "hosts", "-p", "own", stderr={"gone": writing, "full": full}[end])
    out, _ = process.communicate(timeout=120)
    os.close(writing)
    os.close(full)

    assert (process.returncode, "No gaps" in out) == (0, True)


def test_a_terminal_that_is_closed_changes_no_answer(hardening: CommandLine) -> None:
    """As under nohup, which has its program ignore the hangup: neither bar nor sentences nor the result end it."""
    master, slave = os.openpty()

    process = hardening.start("scan", "-i", "hosts", "-p", "own", stdout=slave, stderr=slave)
    os.close(slave)
    os.close(master)

    assert process.wait(timeout=120) == 0
    assert set(hardening.statuses(hardening("report", "--json")).values()) == {"PASS"}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_standard_file_that_is_closed_changes_no_answer(hardening: CommandLine, number: int) -> None:
    """`<&-`, `>&-` and `2>&-`, as cron and service managers may have it: no bug, and nothing else takes its place."""
    process = hardening.start("scan", "-i", "hosts", "-p", "own", preexec_fn=lambda: os.close(number))
    _, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (0, "")
    assert set(hardening.statuses(hardening("report", "--json")).values()) == {"PASS"}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_scan_ends_everything_and_can_be_resumed(hardening: CommandLine, sent: signal.Signals) -> None:
    """130 and one sentence; nothing is left running; `resume` finishes the campaign, which is then complete."""
    text = hardening.place / "text"
    text.unlink()
    os.mkfifo(text)
    process = hardening.start("scan", "-i", "hosts", "-p", "own")
    # Opening for writing returns when the look has opened it for reading: the scan is in the middle.
    pipe = os.open(text, os.O_WRONLY)
    started = descendants(process.pid)

    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    left = survivors(started, within_s=10)
    os.close(pipe)

    assert (process.returncode, out) == (130, "")
    assert err.strip() == "interrupted; `hardening status` shows what is unfinished, `hardening resume` goes on"
    assert started
    assert left == []
    assert hardening("report").code == 3
    text.unlink()
    text.write_text("Welcome.\n")
    assert hardening("resume").code == 0
    assert hardening("resume").err.endswith("there is nothing to resume\n")


def test_no_colour_is_printed_where_nobody_sees_it(hardening: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not into a pipe, and with NO_COLOR not even onto a terminal."""
    (hardening.place / "file").chmod(0o666)
    monkeypatch.setenv("TERM", "xterm-256color")

    def on_terminal() -> str:
        argv = [sys.executable, str(ROOT / "cli.py"), "--baselines", "base", "scan", "-i", "hosts", "-p", "own"]
        script = ["script", "-qec", " ".join(argv), "/dev/null"]
        return subprocess.run(script, cwd=hardening.place, capture_output=True, text=True, check=False).stdout

    assert "\x1b[" not in hardening.scan().out
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal())


def test_a_postgresql_ledger_serves_the_command_line(hardening: CommandLine, postgresql_address: str) -> None:
    """Scan, report and verification by URL; no file is made, and the password is printed nowhere."""
    url = ("--ledger", postgresql_address)
    scan = hardening(*url, "scan", "-i", "hosts", "-p", "own")
    report = hardening(*url, "report", "--json")
    status = hardening(*url, "status", "--verify")

    assert (scan.code, report.code, status.code) == (0, 0, 0), scan.err + report.err + status.err
    assert report.document()["campaign"]["id"] in status.out
    assert not (hardening.place / ".hardening").exists()


def test_a_full_disk_is_said_and_the_ledger_stays_whole(hardening: CommandLine, tmp_path: Path) -> None:
    """Exit code 3 with the ledger's name; after making room, the campaign is resumed and the chain verifies."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    subprocess.run(mount, check=True)
    try:
        assert hardening("--workspace", small, "scan", "-i", "hosts", "-p", "own").code == 0
        filler = small / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        full = hardening("--workspace", small, "scan", "-i", "hosts", "-p", "own", "--html", small / "r.html")
        filler.unlink()
        verified = hardening("--workspace", small, "status", "--verify")
        report = hardening("--workspace", small, "report", "--html", small / "r.html")

        assert (full.code, full.out) == (3, "")
        assert re.search(r"ledger .*: .*(disk|space)", full.err), full.err
        assert "Traceback" not in full.err
        assert verified.code == 0, verified.out
        assert report.code in (0, 3)
        assert sorted(path.name for path in small.iterdir()) == [".hardening", "r.html"]
    finally:
        subprocess.run(["umount", str(small)], check=True)
