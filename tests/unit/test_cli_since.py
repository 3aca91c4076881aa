"""drift, recheck and a forced undo from the command line, on this machine: what they answer and what they ask for."""

from __future__ import annotations

from tests.command_line import CommandLine


def test_a_recheck_tells_what_holds_no_longer(hardening: CommandLine) -> None:
    """0 while all is as it was; 1 with the lost finding, and its parent is the campaign that was rechecked."""
    scan = hardening.scan("--json").document()["campaign"]["id"]
    holds = hardening("recheck", scan, "--json")
    (hardening.place / "file").chmod(0o666)
    lost = hardening("recheck", scan, "--json")
    (hardening.place / "file").chmod(0o600)
    closed = hardening("recheck", lost.document()["campaign"]["id"], "--json")

    assert (holds.code, holds.document()["changes"]) == (0, [])
    assert "2 of 2 findings that passed still hold, 0 gaps opened" in holds.err
    (change,) = lost.document()["changes"]
    assert (lost.code, change["control"], change["state"]) == (1, "linux_own_mode", "regression")
    assert change["reason"].startswith("since then: was PASS: saw 644; now FAIL: ")
    assert lost.document()["campaign"]["parent"] == scan
    assert [change["state"] for change in closed.document()["changes"]] == ["corrective"]


def test_without_a_restart_nothing_is_proven_of_one(hardening: CommandLine) -> None:
    """The host is named, and the answer is 3 although everything holds."""
    hardening.scan()

    said = hardening("recheck", "latest", "--rebooted")

    assert said.code == 3
    assert "here: was not restarted since, so nothing is proven of a restart" in said.err


def test_what_makes_no_sense_is_refused_with_a_sentence(hardening: CommandLine) -> None:
    """Exit code 2, nothing on standard output, and no campaign begun."""
    hardening.scan()
    refused = {
        ("drift",): "the ledger has no apply campaign yet",
        ("drift", "latest-scan"): "applied nothing; name a campaign that did",
        ("undo", "latest-scan", "--force"): "this is no terminal: add --yes",
        ("undo", "latest-scan", "--force", "--yes"): "changed nothing, so there is nothing to undo",
        ("undo", "latest-scan", "--wave", "0"): "0 is not in the range x>=1",
    }

    for command, sentence in refused.items():
        said = hardening(*command)

        assert (said.code, said.out) == (2, ""), command
        assert sentence in " ".join(said.err.split())
    assert len(hardening("status", "--json").document()["campaigns"]) == 1
