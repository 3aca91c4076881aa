"""Preflights on real hosts: nothing is foretold where nothing would break; each breakage is once its cause is there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from hardening.ledger import open_ledger
from hardening.prediction import Consequence
from hardening.preflights import preflights
from hardening.remote import Become, Secret
from tests.command_line import CommandLine, Said
from tests.lab.accounts import OPS_PASSWORD, ROOT_PASSWORD
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.preflight_hosts import (
    CAUSES,
    CLUSTERS,
    DATABASE_PASSWORD,
    OWN,
    OWN_PROFILE,
    SSHD,
    SUDO,
    UNITS,
    foretold,
    item,
    login_items,
    said,
    service_items,
)


@pytest.fixture(scope="module", params=(pytest.param("debian12", marks=pytest.mark.torture), "debian13"))
def host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """A host with a web server and a database, for the tests of this file in their order."""
    made = lab.host(f"preflights-{request.param}", image=request.param, services=("nginx", "postgresql"))
    made.boot()
    yield made
    lab.remove(made.name)


def test_nothing_is_foretold_where_nothing_would_break(host: LabHost) -> None:
    """All preflights look, on a fresh host, and not one of them warns or cannot tell."""
    host.run("chgrp www-data /var/www/html && chmod g+s /var/www/html")

    found = foretold(host, [*login_items(), *service_items()])

    assert said(found) == {}


def test_what_would_keep_us_out_is_foretold(host: LabHost) -> None:
    """Lists of users, algorithms, keys, ports, modes of key files, failed logins and terminals."""
    host.run("echo 'StrictModes no' >/etc/ssh/sshd_config.d/10-lab.conf && systemctl reload ssh && chmod g+w /home/ops")
    # Two failed logins as pam_faillock itself writes them down (struct tally of its faillock.h).
    host.run(
        "mkdir -p /run/faillock && python3 -c 'import struct, sys, time;"
        ' sys.stdout.buffer.write(2 * struct.pack("52sHHQ", b"10.0.0.1", 0, 1, int(time.time())))\' >/run/faillock/ops'
    )
    host.run("cp /etc/shells /root/shells && sed -i '/bash/d' /etc/shells")
    way = host.ssh.argv(host.address)
    jump = subprocess.Popen(  # A connection that sshd forwards to the web server for as long as this lives.
        [*way[:-1], "-W", "127.0.0.1:80", way[-1]],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        host.run("for n in $(seq 100); do ss -Htn dport = :80 | grep -q ESTAB && exit; sleep 0.1; done; exit 1")
        found = foretold(
            host,
            [
                item(SSHD, "deploy adm?n ops@10.255.0.0/16,!10.*", option="AllowUsers"),
                item(SSHD, "yes", option="StrictModes"),
                item(SSHD, "2222", option="Port"),
                item(SSHD, "no", option="AllowTcpForwarding"),
                item(SSHD, "3des-cbc", option="Ciphers"),
                item(SSHD, "ssh-dss", option="HostKeyAlgorithms"),
                item(SSHD, "rsa-sha2-512", option="PubkeyAcceptedAlgorithms"),
                item(SSHD, "no", option="PubkeyAuthentication"),
                item("linux.accounts", None, which="system_with_shell", seen=["ops"]),
                item("linux.faillock", "3", option="deny"),
                item("linux.pam_module", "present", module="pam_shells.so", type="auth"),
                item("linux.pam_module", "present", module="pam_absent.so", type="auth"),
                item("linux.limit", "1", domain="*", item="maxlogins"),
                item(SUDO, "true", option="requiretty"),
            ],
        )
    finally:
        jump.kill()
        jump.communicate()
        host.run(
            "rm -f /etc/ssh/sshd_config.d/10-lab.conf /run/faillock/ops;"
            "systemctl reload ssh; chmod g-w /home/ops; cp /root/shells /etc/shells"
        )

    assert set(said(found)) == {
        "sshd_account_denied",
        "sshd_key_files_open",
        "sshd_moves",
        "sshd_jump_host",
        "sshd_algorithms",
        "sshd_key_type",
        "sshd_login_method",
        "account_closed",
        "faillock_near_limit",
        "pam_gate",
        "sudo_terminal",
        *(["logins_at_limit"] if host.image.name == "debian13" else []),  # Before, only terminals were counted.
    }
    assert all(each.consequence is preflights()[code].consequence for code in found for each in found[code])
    assert "/home/ops (" in said(found)["sshd_key_files_open"]
    assert "127.0.0.1:80" in said(found)["sshd_jump_host"]
    assert len(found["sshd_algorithms"]) == 2
    assert said(found)["pam_gate"] == (
        "pam_absent would be required, and it is not installed"
        " / pam_shells would be required, and /bin/bash is not in /etc/shells"
    )


def test_how_we_come_decides(host: LabHost) -> None:
    """Root, a password, su, and sudo without a rule of its own: each is foretold to that login, and to no other."""
    root = foretold(
        host,
        [item(SSHD, "prohibit-password", option="PermitRootLogin"), item(SSHD, "no", option="permitRootLogin")],
        user="root",
        become=None,
    )
    password = foretold(
        host,
        [item(SSHD, "no", option="PasswordAuthentication")],
        user="opspw",
        password=Secret(OPS_PASSWORD),
        become=Become(password=Secret(OPS_PASSWORD)),
        ssh_args=("-F", "none", "-o", "PubkeyAuthentication=no"),
    )
    su = foretold(
        host,
        [item("linux.su_group", "sudo"), item(SUDO, "true", option="authenticate")],
        user="opssu",
        become=Become(method="su", password=Secret(ROOT_PASSWORD)),
    )
    host.run("echo 'Defaults !authenticate' >/etc/sudoers.d/lab-free && chmod 440 /etc/sudoers.d/lab-free")
    free = foretold(host, [item(SUDO, "true", option="authenticate")], user="opspw")
    host.run("rm /etc/sudoers.d/lab-free")
    other = foretold(
        host,
        [item(SUDO, "false", option="targetpw")],
        user="opspw",
        become=Become(password=Secret(OPS_PASSWORD)),
    )

    assert {code: [len(each.controls) for each in found] for code, found in root.items()} == {"sshd_root_login": [1]}
    assert set(said(password)) == {"sshd_login_method"}
    assert set(said(su)) == {"su_denied"}
    assert set(said(free)) == {"sudo_password"}
    assert set(said(other)) == {"sudo_other_password"}


def test_an_account_that_expired_or_is_locked_is_foretold(host: LabHost) -> None:
    """With PAM an old password refuses, without PAM a locked one does; a key does not help."""
    host.run("echo 'UsePAM no' >/etc/ssh/sshd_config.d/10-lab.conf && systemctl reload ssh")
    host.run("chage -d 2020-01-01 -M 30 root")
    expired = foretold(host, [item(SSHD, "yes", option="UsePAM")], user="root", become=None)
    host.run("chage -d 2026-01-01 -M 99999 root; rm /etc/ssh/sshd_config.d/10-lab.conf; systemctl reload ssh")
    host.run("passwd -l ops")
    locked = foretold(host, [item(SSHD, "no", option="UsePAM")])
    host.run("passwd -u ops")

    assert set(said(expired)) == {"account_expired"}
    assert set(said(locked)) == {"account_locked"}


@pytest.fixture
def fleet(hardening: CommandLine, host: LabHost) -> CommandLine:
    """The command line beside an inventory of the host and a profile that would break things there."""
    write_inventory(hardening.place / "lab.yml", [host])
    (hardening.place / "base" / "sshd").mkdir()
    (hardening.place / "base" / "sshd" / "own.yml").write_text(OWN)
    (hardening.place / "base" / "profiles" / "breaking.yml").write_text(OWN_PROFILE)
    host.run("chgrp root /var/www/html")
    return hardening


def states(answer: Said) -> dict[str, str]:
    """Return by control what became of it, with its reason where it was left out."""
    return {each["control"]: f"{each['state']}: {each['reason'] or ''}" for each in answer.document()["changes"]}


def journal(fleet: CommandLine, campaign: str) -> list[Any]:
    """Return what the journal of a campaign says of preflights: code and whether it was acknowledged."""
    with open_ledger(fleet.place / ".hardening" / "ledger.sqlite3", clock=lambda: datetime.now(UTC)) as ledger:
        steps: list[Any] = [step.payload for step in ledger.steps(campaign) if step.step == "preflights"]
    return [(each["code"], each["acknowledged"]) for payload in steps for each in payload["predicted"]]


def test_what_is_foretold_waits_for_an_acknowledgement(fleet: CommandLine, host: LabHost) -> None:
    """The plan says what breaks; an apply leaves that out and answers 3; what is acknowledged is written, and told."""
    plan = fleet("plan", "-i", "lab.yml", "-p", "breaking", "--no-preview", "--json").document()
    careful = fleet("apply", "plan.yml", "--accept", "lockout", "--json")
    elsewhere = fleet("apply", "plan.yml", "--acknowledge", "umask_hides_pages@elsewhere")
    blanket = fleet("apply", "plan.yml", "--acknowledge", "all")
    knowing = fleet("apply", "plan.yml", "--acknowledge", f"umask_hides_pages@{host.name}", "--json")

    told = {each["acknowledge"]: each["items"] for each in plan["plan"]["predictions"][host.name]}
    assert told == {
        "sshd_account_denied": [[f"{host.name}/sshd", "sshd_own_users"]],
        "umask_hides_pages": [[f"{host.name}/linux", "linux_session_umask"]],
    }
    assert journal(fleet, plan["campaign"]["id"]) == [("sshd_account_denied", False), ("umask_hides_pages", False)]
    assert careful.code == 3
    assert states(careful)["linux_banner_issue"] == "changed: "
    assert states(careful)["sshd_own_users"].startswith(
        "skipped: not acknowledged: sshd_account_denied: AllowUsers deploy"
    )
    assert states(careful)["linux_session_umask"].startswith("skipped: not acknowledged: umask_hides_pages: ")
    assert "2 changes are left out: nobody acknowledged sshd_account_denied, umask_hides_pages" in careful.err
    assert (elsewhere.code, blanket.code) == (2, 2)
    assert "no preflight is called all" in blanket.err
    assert states(knowing)["linux_session_umask"] == "changed: "
    assert "danger class lockout was not accepted" in states(knowing)["sshd_own_users"]
    assert knowing.code == 1
    assert journal(fleet, knowing.document()["campaign"]["id"]) == [("umask_hides_pages", True)]


@pytest.mark.torture
def test_what_was_foretold_and_acknowledged_comes_true(fleet: CommandLine, host: LabHost) -> None:
    """Who insists is locked out as foretold, and the guard brings the host back."""
    fleet("plan", "-i", "lab.yml", "-p", "breaking", "--no-preview", "--control", "sshd_own_users")

    said_so = ("--accept", "lockout", "--acknowledge", "sshd_account_denied", "--guard", "15")
    insisting = fleet("apply", "plan.yml", *said_so, "--json")

    assert insisting.code == 3
    assert states(insisting)["sshd_own_users"].startswith("reverted: the host put itself back")
    assert host.over_ssh("true").rc == 0


def test_what_others_would_miss_is_foretold(host: LabHost) -> None:
    """Each cause is set on the host; then the very items that warned of nothing before are foretold to break it."""
    unknown = said(foretold(host, [item("nginx.server_directive", "512k", directive="client_max_body_size")]))
    version = CLUSTERS[host.image.name].partition("-")[0]
    host.run("bash -e", stdin=CAUSES.replace("'@'", f"'{DATABASE_PASSWORD}'").replace("17", version))
    planned = [
        *service_items(),
        item("linux.module", "blocked", name="overlay"),
        item("linux.packages", "absent", names=["python3-minimal"]),
    ]
    way = f"host={host.address} user=app password={DATABASE_PASSWORD} sslmode=disable dbname=postgres"
    with psycopg.connect(way), psycopg.connect(f"{way} replication=database"):
        found = foretold(host, planned)

    assert unknown["nginx_body_limit"].startswith("unknown: could not tell")
    assert "no size stands in /var/log/nginx/access.log (format combined)" in unknown["nginx_body_limit"]
    assert set(said(found)) == {
        "no_room",
        "fstab_broken",
        "module_needed",
        "noexec_in_use",
        "packages_busy",
        "packages_half_done",
        "removal_takes_others",
        "forwarding_in_use",
        "firewall_cuts_off",
        "ipv6_route_advertised",
        "reverse_path_strict",
        "service_in_use",
        "umask_hides_pages",
        "home_holds_pages",
        "audit_halts",
        "nginx_body_limit",
        "postgresql_method",
        "postgresql_plain_clients",
        "postgresql_replication",
        "postgresql_clients_kept_out",
        "postgresql_idle_sessions",
    }
    assert [each.says for code in found for each in found[code] if each.consequence is Consequence.UNKNOWN] == []
    assert "/home/ops (for /home/ops) has 1 MiB free" in said(found)["no_room"]
    assert "/tmp (for /tmp) has 2" in said(found)["no_room"]
    assert "lab-needy.service" in said(found)["service_in_use"]
    assert "python3 (" in said(found)["packages_busy"]
    assert "udp/51820 (python3)" in said(found)["firewall_cuts_off"]
    assert "app connected now" in said(found)["postgresql_method"]
    assert f"replicating now: app from {host.address.rpartition('.')[0]}." in said(found)["postgresql_replication"]


def test_a_host_that_cannot_be_looked_at_passes_nothing(host: LabHost) -> None:
    """Where a program is missing that a look needs, the preflight is unknown for its items, and says why."""
    host.run("chmod a-x /usr/bin/ss /usr/bin/df; mv /usr/bin/ss /usr/bin/ss.away; mv /usr/bin/df /usr/bin/df.away")
    found = foretold(host, [item(UNITS, "off", names=["nginx.service"]), item(SSHD, "no", option="PermitRootLogin")])
    host.run("mv /usr/bin/ss.away /usr/bin/ss; mv /usr/bin/df.away /usr/bin/df; chmod a+x /usr/bin/ss /usr/bin/df")

    unknown = {code for code in found if found[code][0].consequence is Consequence.UNKNOWN}
    assert unknown == {"no_room", "service_in_use", "sshd_root_login"}
    assert "not found" in said(found)["no_room"]
