"""What lab hosts answered is read as it is, and what could not be seen is never a zero."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hardening import remote
from hardening.model import Probe
from hardening.resource_model import HostSampled
from hardening.resources import probes
from hardening.resources.collecting import look_of
from hardening.resources.parsing import CannotSee
from hardening.resources.probes import READERS
from hardening.resources.sampling import SHORTEST_S, samples_of
from tests.resource_fleet import recorded_facts, recorded_host

NOW = datetime(2026, 8, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize("image", ["debian12", "debian13"])
def test_everything_of_a_lab_host_is_read(image: str) -> None:
    """Every part was seen: CPU, memory, disk, interfaces, listeners, packages, PostgreSQL, limits, directories."""
    facts = recorded_facts(image)

    assert set(facts) == set(READERS)
    assert facts["system"]["os_id"] == "debian"
    assert facts["system"]["os_version"] == image.removeprefix("debian")
    assert facts["cpu"]["count"] >= 1
    assert facts["memory"]["total_bytes"] > facts["memory"]["available_bytes"] > 0
    assert facts["form"] == {"form": "container", "by": "systemd-nspawn", "maker": None, "product": None}
    assert facts["file_systems"]["mounted"]["/"]["used_bytes"] > 0
    assert facts["interfaces"]["host0"]["addresses"]
    assert facts["interfaces"]["host0"]["speed_mbps"] == 10000
    assert {22, 80, 443, 5432} <= {each["port"] for each in facts["listening"]}
    assert {"sshd", "nginx", "postgres"} <= {name for each in facts["listening"] for name in each["processes"] or ()}
    assert facts["packages"]["manager"] == "dpkg"
    assert facts["packages"]["installed"] > 100
    assert facts["pending_updates"]["lists_fetched_at"] > 0
    assert facts["postgresql"]["5432"]["databases"]["postgres"] > 1_000_000
    assert facts["postgresql"]["5432"]["max_connections"] == 100
    assert "ssh.service" in facts["limits"]
    assert any(each["path"] == "/var/lib/postgresql" for each in facts["directories"])
    assert facts["lvm"] == {"groups": [], "volumes": []}
    assert facts["containers"] == {}


@pytest.mark.parametrize(
    ("part", "command", "reply", "why"),
    [
        ("cpu", "CPU", (127, "", "sh: lscpu: not found"), "`lscpu` answered 127"),
        ("memory", "MEMORY", (0, "MemTotal: 1 kB\n", ""), "does not say"),
        ("file_systems", "FILE_SYSTEMS", (1, "", "df: no file systems processed"), "`df` answered 1"),
        ("listening", "LISTENING", (255, "", "Cannot open netlink socket"), "`ss` answered 255"),
        ("pending_updates", "PENDING", (0, "apt 0 \n", ""), "never fetched"),
        ("pending_updates", "PENDING", (0, "none\n", ""), "neither apt-get nor dnf"),
        ("directories", "DIRECTORIES", (0, "5\t/srv/a\nrc=124\n", ""), "not done in"),
        ("containers", "CONTAINERS", (0, "engine=docker\nfailed=docker\nend\n", ""), "does not answer"),
        ("containers", "CONTAINERS", (0, "engine=docker\n", ""), "broke off"),
        ("postgresql", "POSTGRESQL", (0, "hidden\n", ""), "no usual place"),
        ("lvm", "LVM", (5, "", "device locked"), "answered 5"),
        ("form", "FORM", (0, "virt=unknown\n", ""), "does not say"),
        ("limits", "LIMITS", (1, "", "System has not been booted with systemd"), "answered 1"),
    ],
)
def test_what_cannot_be_seen_is_said(part: str, command: str, reply: tuple[int, str, str], why: str) -> None:
    """No reader turns a failure into nothing or zero."""
    host = recorded_host("debian12", **{command: reply})

    with pytest.raises(CannotSee, match=why):
        READERS[part](host)


def test_security_updates_are_counted_apart() -> None:
    """`apt-get -s` names the archive of every package that it would install."""
    printed = (
        "apt 3 1790000000.0\n"
        "Inst libssl3 [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])\n"
        "Inst tzdata [2026a] (2026b Debian:12.9/stable [all])\n"
        "Conf libssl3 (3.0.2 Debian-Security:12/stable-security [amd64])\n"
    )
    host = recorded_host("debian12", PENDING=(0, printed, ""))

    assert probes.pending_updates(host) == {"updates": 2, "security": 1, "lists_fetched_at": 1790000000.0}


def test_a_partly_read_list_of_file_systems_says_so() -> None:
    """`df` answers 1 and lists the rest: the rest is seen, and that something is missing is said."""
    good = recorded_host("debian12").replies[probes.FILE_SYSTEMS][1]
    host = recorded_host("debian12", FILE_SYSTEMS=(1, good, "df: /mnt/x: Permission denied"))

    look = look_of(_report({"file_systems": probes.file_systems(host)}), taken_at=NOW, before=None)

    assert look.samples["fs:/"]["used_bytes"] > 0
    assert "Permission denied" in look.unseen["file_systems (partly)"]


def test_a_server_that_does_not_answer_hides_no_other() -> None:
    """One PostgreSQL server refuses: it is not seen; the other one is."""
    good = recorded_host("debian12").replies[probes.POSTGRESQL][1]
    printed = f"{good}cluster 5433\npsql: error: connection refused\nfailed 2\n"
    host = recorded_host("debian12", POSTGRESQL=(0, printed, ""))

    look = look_of(_report({"postgresql": probes.postgresql(host)}), taken_at=NOW, before=None)

    assert "connection refused" in look.unseen["postgresql:5433"]
    assert look.samples["db:postgresql:5432"]["max_connections"] == 100
    assert "db:postgresql:5433" not in look.samples


def test_every_part_has_a_fact_or_a_reason() -> None:
    """Also where a reader itself breaks on what it gets: the others are kept."""
    look = look_of(
        _report(
            {"memory": {"total_bytes": 2, "available_bytes": 1, "swap_total_bytes": 0, "swap_free_bytes": 0}},
            {
                "cpu": CannotSee("`lscpu` answered 127"),
                "lvm": KeyError("vg_name"),
                "disks": remote.CommandTimeout("30 s"),
            },
        ),
        taken_at=NOW,
        before=None,
    )

    assert set(look.facts) == {"memory"}
    assert set(look.unseen) == {"cpu", "lvm", "disks"}
    assert "KeyError" in look.unseen["lvm"]
    assert "cpu" not in look.samples


def test_a_host_that_was_not_reached_has_no_numbers() -> None:
    """Nothing was seen, so that nothing is zero."""
    look = look_of(_report({}, unreachable="no route to host"), taken_at=NOW, before=None)

    assert (look.unreachable, look.facts, look.samples) == ("no route to host", {}, {})


def test_rates_need_two_looks_without_a_restart() -> None:
    """The first look has none; the second has; after a restart, or a counter that went back, there is none again."""
    facts = recorded_facts()
    first = HostSampled(host="a", taken_at=NOW, facts=facts, samples=samples_of(facts, taken_at=NOW, before=None))
    later = recorded_facts()
    later["interfaces"]["host0"]["rx_bytes"] += 125_000_000
    later["cpu_time"]["busy_s"] += 10
    later["cpu_time"]["all_s"] += 40
    then = NOW.replace(minute=10)
    restarted = copy.deepcopy(later)
    restarted["system"]["boot_id"] = "another"
    reset = recorded_facts()
    reset["interfaces"]["host0"]["rx_bytes"] = 0

    made = samples_of(later, taken_at=then, before=first)

    assert "rx_bps" not in first.samples["nic:host0"]
    assert made["nic:host0"]["rx_bps"] == pytest.approx(125_000_000 * 8 / 600)
    assert made["cpu"]["busy_ratio"] == pytest.approx(0.25)
    after_restart = samples_of(restarted, taken_at=then, before=first)
    assert "busy_ratio" not in after_restart["cpu"]
    assert "rx_bps" not in after_restart["nic:host0"]
    assert "rx_bps" not in samples_of(reset, taken_at=then, before=first)["nic:host0"]
    at_once = NOW + timedelta(seconds=SHORTEST_S) - timedelta(milliseconds=1)
    assert "rx_bps" not in samples_of(later, taken_at=at_once, before=first)["nic:host0"]


def _report(
    values: dict[str, Any], errors: dict[str, BaseException] | None = None, unreachable: str | None = None
) -> remote.HostReport:
    def outcome(key: str, value: Any, error: BaseException | None) -> remote.Outcome:
        probes_asked: tuple[Probe, ...] = ()
        return remote.Outcome(key=key, value=value, error=error, probes=probes_asked, duration_s=0.0)

    outcomes = {key: outcome(key, value, None) for key, value in values.items()}
    outcomes |= {key: outcome(key, None, error) for key, error in (errors or {}).items()}
    return remote.HostReport(
        name="a",
        outcomes=outcomes,
        unreachable=unreachable,
        failure=None,
        traffic=remote.Traffic(),
        plan=(),
        script=outcome("script", None, None),
    )
