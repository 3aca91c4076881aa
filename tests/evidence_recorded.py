"""What was recorded of three example hosts: who they are, what was seen before and after, what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from hardening.model import (
    Attachment,
    Attestation,
    Change,
    ChangeState,
    ForeignFinding,
    HostSeen,
    Import,
    Json,
    Look,
    Status,
    Target,
    Touch,
    WaiverUse,
)

STARTED = datetime(2026, 8, 21, 10, 15, 2, tzinfo=UTC)
WEB, DB, APP = "web01", "db01", "app-02"
TARGETS = (
    Target(host=WEB, component="linux"),
    Target(host=WEB, component="sshd"),
    Target(host=WEB, component="nginx"),
    Target(host=DB, component="linux"),
    Target(host=DB, component="sshd"),
    Target(host=DB, component="postgresql", instance="15-main"),
    Target(host=DB, component="postgresql", instance="16-reporting"),
)
HOSTS = (
    HostSeen(
        name=WEB,
        address="192.0.2.11",
        identity="2f1c",
        os_id="debian",
        os_version="12",
        facts={"os_name": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-25-amd64"},
    ),
    HostSeen(
        name=DB,
        address="192.0.2.21",
        identity="9a07",
        os_id="debian",
        os_version="13",
        facts={"os_name": "Debian GNU/Linux 13 (trixie)", "kernel": "6.12.43-amd64"},
    ),
    HostSeen(
        name=APP, address="192.0.2.32", unreachable="ssh: connect to host 192.0.2.32 port 22: Connection timed out"
    ),
)
WAIVER = WaiverUse(
    owner="Zhang Wei",
    reason="The build job unpacks and starts compilers below /tmp",
    compensating="the host has no interactive users",
    ticket="SEC-1042",
    expires_on=date(2026, 12, 31),
)

# What people attested: one that holds, and one that has ended.
ATTESTED: dict[tuple[str, str], Attestation] = {
    (f"{host}/linux", "linux_accounts_reviewed"): Attestation(
        control_id="linux_accounts_reviewed",
        hosts=(host,),
        verdict=Status.PASS,
        by="Li Wei",
        seen=seen,
        seen_on=date(2026, 8, 3),
        expires_on=expires,
        recorded_by="ops@bastion",
        attachments=(Attachment(name="register.xlsx", sha256="a7" * 32, size_bytes=9_120),),
    )
    for host, seen, expires in (
        (WEB, "All 12 accounts stand in the register of 1 August", date(2027, 2, 28)),
        (DB, "All accounts stand in the register", date(2026, 8, 20)),
    )
}
# What other tools said: one of a host that is not ours.
IMPORTS = (
    Import(
        file="scanner-august.csv",
        sha256="5c" * 32,
        format="csv",
        tool="Example Scanner",
        imported_by="ops@bastion",
        findings=(
            ForeignFinding(
                id="CVE-2026-0001",
                host=WEB,
                title="libexample reads past its buffer",
                severity="high",
                result="Open",
                status=Status.FAIL,
                clauses=("8.1.4.4 b",),
                said="Installed 1.2-3; fixed in 1.2-4",
            ),
            ForeignFinding(
                id="CVE-2026-0002",
                host="printer7",
                title="The web page has a default password",
                severity="critical",
                result="Open",
                status=Status.FAIL,
            ),
            ForeignFinding(
                id="CVE-2025-0100",
                host=DB,
                title="An old hole",
                severity="low",
                result="Fixed",
                status=Status.PASS,
                clauses=("8.1.4.4 b",),
            ),
        ),
    ),
    Import(
        file="arf.xml",
        sha256="6d" * 32,
        format="arf",
        tool="OpenSCAP",
        imported_by="ops@bastion",
        findings=(
            ForeignFinding(
                id="rule_audit_running",
                host=DB,
                title="auditd runs",
                severity="medium",
                result="error",
                status=Status.ERROR,
                clauses=("8.1.4.3 a",),
            ),
        ),
    ),
)

# What was seen before: control, target -> value, or a reason why not.
Seen = Mapping[str, Json]
BEFORE: dict[tuple[str, str], Seen | tuple[Look, str]] = {
    ("linux_kernel_pointers_hidden", "web01/linux"): {"running": "0", "on_disk": None},
    ("linux_kernel_pointers_hidden", "db01/linux"): {"running": "1", "on_disk": "1"},
    ("linux_redirects_refused", "web01/linux"): {"running": "1", "on_disk": None},
    ("linux_redirects_refused", "db01/linux"): {"running": "1", "on_disk": "0"},
    ("linux_shadow_mode", "web01/linux"): {"value": "0640"},
    ("linux_shadow_mode", "db01/linux"): {"value": "0644"},
    ("linux_password_length", "web01/linux"): {"value": None},
    ("linux_password_length", "db01/linux"): {"value": "14"},
    ("linux_audit_running", "web01/linux"): {"value": "inactive"},
    ("linux_audit_running", "db01/linux"): (
        Look.CANNOT_LOOK,
        "`systemctl is-active auditd` answered 4: sudo: a password is required",
    ),
    ("linux_telnet_absent", "web01/linux"): {"value": None},
    ("linux_telnet_absent", "db01/linux"): {"value": None},
    ("linux_tmp_noexec", "web01/linux"): {"value": ["nodev", "nosuid", "relatime"]},
    ("linux_tmp_noexec", "db01/linux"): {"value": ["nodev", "noexec", "nosuid"]},
    ("sshd_permit_root_login", "web01/sshd"): {"value": "yes"},
    ("sshd_permit_root_login", "db01/sshd"): {"value": "no"},
    ("sshd_max_auth_tries", "web01/sshd"): {"value": "6"},
    ("sshd_max_auth_tries", "db01/sshd"): {"value": "3"},
    ("sshd_ciphers", "web01/sshd"): {
        "value": ["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-gcm@openssh.com"]
    },
    ("sshd_ciphers", "db01/sshd"): {"value": ["aes256-gcm@openssh.com"]},
    ("sshd_idle_timeout", "web01/sshd"): {"value": "300"},
    ("sshd_idle_timeout", "db01/sshd"): {"value": "0"},
    ("nginx_version_hidden", "web01/nginx"): {"value": "on"},
    ("nginx_tls_protocols", "web01/nginx"): {"value": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
    ("nginx_frames_refused", "web01/nginx"): (Look.NOT_APPLICABLE, "this nginx serves no pages, it only proxies"),
    ("postgresql_password_encryption", "db01/postgresql:15-main"): {"value": "md5"},
    ("postgresql_password_encryption", "db01/postgresql:16-reporting"): {"value": "scram-sha-256"},
    ("postgresql_log_connections", "db01/postgresql:15-main"): {"value": "off"},
    ("postgresql_log_connections", "db01/postgresql:16-reporting"): {"value": "off"},
    ("postgresql_ssl", "db01/postgresql:15-main"): {"running": "off", "on_disk": "on"},
    ("postgresql_ssl", "db01/postgresql:16-reporting"): {"running": "on", "on_disk": "on"},
    ("postgresql_no_trust", "db01/postgresql:15-main"): {"value": ["peer", "scram-sha-256"]},
    ("postgresql_no_trust", "db01/postgresql:16-reporting"): {"value": ["peer", "trust"]},
}
# What was seen after the campaign, where it differs.
AFTER: dict[tuple[str, str], Seen | tuple[Look, str]] = {
    ("linux_kernel_pointers_hidden", "web01/linux"): {"running": "1", "on_disk": "1"},
    ("linux_redirects_refused", "web01/linux"): {"running": "0", "on_disk": "0"},
    ("linux_shadow_mode", "db01/linux"): {"value": "0640"},
    ("linux_password_length", "web01/linux"): {"value": "12"},
    ("sshd_permit_root_login", "web01/sshd"): {"value": "no"},
    ("sshd_max_auth_tries", "web01/sshd"): {"value": "4"},
    ("nginx_version_hidden", "web01/nginx"): {"value": "off"},
    ("postgresql_log_connections", "db01/postgresql:15-main"): {"value": "on"},
}
PROBES = {
    "linux": "sysctl -n {subject}",
    "sshd": "sshd -T",
    "nginx": "nginx -T",
    "postgresql": "runuser -u postgres -- psql -XAt -c 'SELECT name, setting FROM pg_settings'",
}
DIFF = """--- /etc/ssh/sshd_config.d/10-hardening.conf
+++ /etc/ssh/sshd_config.d/10-hardening.conf
@@ -0,0 +1,4 @@
+# sshd_permit_root_login
+PermitRootLogin no
+# sshd_max_auth_tries
+MaxAuthTries 4
"""


def recorded_changes() -> tuple[Change, ...]:
    """Return what applying did: made, failed, skipped, and one that was never reported."""
    web_sshd, db_pg = TARGETS[1], TARGETS[5]
    dropin = Touch(
        kind="dropin",
        name="/etc/ssh/sshd_config.d/10-hardening.conf",
        before=None,
        after={"exists": True, "sha256": "c0ffee" + "0" * 58, "mode": "0600", "uid": 0, "gid": 0},
    )
    moment = STARTED + timedelta(minutes=4)
    made = [
        Change(
            control_id=control_id,
            target=web_sshd,
            kind="sshd.option",
            state=ChangeState.CHANGED,
            touches=(dropin,),
            after_actions=("reload:ssh.service",),
            diff=DIFF,
            taken_at=moment,
        )
        for control_id in ("sshd_permit_root_login", "sshd_max_auth_tries")
    ]
    for control_id, target in (
        ("linux_kernel_pointers_hidden", TARGETS[0]),
        ("linux_redirects_refused", TARGETS[0]),
        ("linux_password_length", TARGETS[0]),
        ("linux_shadow_mode", TARGETS[3]),
        ("nginx_version_hidden", TARGETS[2]),
        ("postgresql_log_connections", db_pg),
    ):
        touch = Touch(
            kind="file",
            name=f"/etc/example/{control_id}",
            before={"exists": False},
            after={"exists": True, "mode": "0644"},
        )
        made.append(
            Change(
                control_id=control_id,
                target=target,
                kind=f"{target.component}.example",
                state=ChangeState.CHANGED,
                touches=(touch,),
                diff=f"+{control_id} = wanted\n",
                taken_at=moment,
            )
        )
    return (
        *made,
        Change(
            control_id="sshd_ciphers",
            target=web_sshd,
            kind="sshd.option",
            state=ChangeState.FAILED,
            taken_at=moment,
            reason="sshd -t refuses it: Bad SSH2 cipher spec 'aes256-gcm@openssh.com,rot13'; nothing was written",
        ),
        Change(
            control_id="postgresql_password_encryption",
            target=db_pg,
            kind="postgresql.setting",
            taken_at=moment,
            state=ChangeState.SKIPPED,
            reason="danger class data was not accepted (--accept data)",
        ),
        Change(
            control_id="nginx_tls_protocols",
            target=TARGETS[2],
            kind="nginx.tls",
            state=ChangeState.NOT_REPORTED,
            reason="Ansible ended without an answer for this control",
            taken_at=moment,
        ),
    )
