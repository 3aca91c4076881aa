"""What the tests of preflights plan on lab hosts, how they ask what is foretold, and what they set to cause it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hardening.model import Json, Target
from hardening.prediction import Consequence, Planned, Prediction
from hardening.preflighting import us_of
from hardening.preflights import predict
from hardening.remote import Become, Limits
from hardening.survey import HostAsk, PreflightAsk, survey
from tests.lab.host import LabHost
from tests.lab_tests.test_remote_login import reach

CLUSTERS = {"debian12": "15-main", "debian13": "17-main"}
MOUNT, UNITS, SSHD, SUDO = "linux.mount", "linux.units", "sshd.option", "linux.sudo_option"
DATABASE_PASSWORD = "Lab-app-3390-pass"


def item(kind: str, value: Json, *, seen: Json = None, **params: Json) -> Planned:
    """Return something planned; its control is named for the kind and its parameters."""
    component = kind.partition(".")[0]
    target = Target(host="host", component=component)
    name = "_".join([kind, *(str(part) for part in params.values() if isinstance(part, str))])
    return Planned(control_id=name, target=target, kind=kind, params=params, value=value, seen={"value": seen})


def foretold(
    host: LabHost, planned: Sequence[Planned], user: str = "ops", **more: Any
) -> Mapping[str, Sequence[Prediction]]:
    """Return what the preflights of these items expect on the host, by code; one session looks for all of them."""
    cluster = CLUSTERS[host.image.name]
    planned = [
        dataclasses.replace(each, target=dataclasses.replace(each.target, instance=cluster))
        if each.target.component == "postgresql"
        else each
        for each in planned
    ]
    connection = dataclasses.replace(reach(host, user, become=Become()), **more)
    ask = HostAsk(connection=connection, asks=(), preflight=PreflightAsk(planned=tuple(planned)))
    (looked,) = survey([ask], clock=lambda: datetime.now(UTC), limits=Limits(command_s=60))
    assert looked.host.unreachable is None
    found: dict[str, list[Prediction]] = {}
    for each in predict(host.name, planned, looked.facts, us_of(connection, planned)):
        found.setdefault(each.code, []).append(each)
    return found


def said(found: Mapping[str, Sequence[Prediction]]) -> dict[str, str]:
    """Return what is expected by code, to compare and to read; what is unknown says so."""
    return {
        code: " / ".join(
            ("unknown: " if each.consequence is Consequence.UNKNOWN else "") + each.says for each in predictions
        )
        for code, predictions in found.items()
    }


def login_items() -> list[Planned]:
    """Return items of the ways in that leave ours as it is."""
    return [
        item(SSHD, "ops root nobody@10.0.0.1", option="AllowUsers"),
        item(SSHD, "no", option="PermitRootLogin"),
        item(SSHD, "no", option="PasswordAuthentication"),
        item(SSHD, "yes", option="StrictModes"),
        item(SSHD, "yes", option="UsePAM"),
        item(SSHD, "22", option="Port"),
        item(SSHD, "yes", option="DisableForwarding"),
        item(SSHD, "aes256-gcm@openssh.com,aes128-ctr", option="Ciphers"),
        item(SSHD, "hmac-sha2-512-etm@openssh.com", option="MACs"),
        item(SSHD, "curve25519-sha256,diffie-hellman-group16-sha512", option="KexAlgorithms"),
        item(SSHD, "ssh-ed25519,rsa-sha2-512", option="HostKeyAlgorithms"),
        item(SSHD, "ssh-ed25519,rsa-sha2-512", option="PubkeyAcceptedAlgorithms"),
        item("linux.accounts", None, which="system_with_shell", seen=["games"]),
        item("linux.faillock", "5", option="deny"),
        item("linux.faillock", True, option="even_deny_root"),
        item("linux.su_group", "sudo"),
        item("linux.pam_module", "present", module="pam_loginuid.so"),
        item("linux.pam_module", "present", module="pam_shells.so", type="auth"),
        item("linux.pam_module", "present", module="pam_nologin.so", type="account"),
        item("linux.limit", "10", domain="*", item="maxlogins"),
        item(SUDO, "true", option="authenticate"),
    ]


def service_items() -> list[Planned]:
    """Return items of what others use; the same are foretold to break once somebody does."""
    return [
        item(MOUNT, ["nodev", "nosuid", "noexec"], path="/var/tmp"),
        item("linux.module", "blocked", name="cramfs"),
        item("linux.packages", "absent", names=["acl"]),
        item("linux.sysctl", "0", key="net.ipv4.ip_forward"),
        item("linux.sysctl", "0", key="net.ipv6.conf.all.accept_ra"),
        item("linux.sysctl", "1", key="net.ipv4.conf.all.rp_filter"),
        item("linux.firewall_policy", "drop", hook="input", family="ip"),
        item(UNITS, "off", names=["nginx.service", "rpcbind.service"]),
        item("linux.shell_setting", "027", name="umask"),
        item("linux.home_modes", "0750"),
        item("linux.auditd_option", "halt", option="admin_space_left_action"),
        item("nginx.server_directive", "10m", directive="client_max_body_size", seen={"_:80": None}),
        item("postgresql.hba_method", "scram-sha-256", method="md5", seen=["line 9: host all all 10.0.0.0 md5"]),
        item("postgresql.hba_plain_remote", "hostssl"),
        item("postgresql.roles_with", [], attribute="replication", seen=["app"]),
        item("postgresql.setting", "localhost", name="listen_addresses"),
        item("postgresql.setting", "200", name="max_connections"),
        item("postgresql.setting", "1", name="idle_session_timeout"),
    ]


OWN = """\
---
sshd_own_users:
  title: Only those of the test log in
  title_zh: 仅测试用户可登录
  why: It would keep us out.
  severity: high
  kind: sshd.option
  with: {option: AllowUsers}
  want: deploy
  set: deploy
  broken: ops
  danger: lockout
"""
OWN_PROFILE = """\
---
title: One that keeps us out, one that others would miss, one that breaks nothing
title_zh: 自有控制项
controls:
  sshd_own_users: {}
  linux_session_umask: {}
  linux_banner_issue: {}
"""

CAUSES = """
units=/run/systemd/system
cp /bin/sleep /var/tmp/lab-sleep
cp -a /home/ops /root/ops
systemd-run -q --unit lab-tmp /var/tmp/lab-sleep 900
systemd-run -q --unit lab-lock python3 -c 'import fcntl, time
f = open("/var/lib/dpkg/lock-frontend", "r+"); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(900)'
systemd-run -q --unit lab-udp python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 51820)); time.sleep(900)'
printf '[Unit]\\nRequires=nginx.service\\n[Service]\\nExecStart=/bin/sleep 900\\n' >$units/lab-needy.service
systemctl daemon-reload && systemctl start lab-needy
mkdir /home/opspw/www && sed -i 's/^space_left = .*/space_left = 90%/' /etc/audit/auditd.conf
echo 'nonsense' >>/etc/fstab
sed -i '/^Package: acl$/,/^$/ s/^Status: install ok installed/Status: install ok half-configured/' /var/lib/dpkg/status
mount -o remount,nr_inodes=300 /tmp
mount -t tmpfs -o size=1m tmpfs /home/ops && cp -a /root/ops/. /home/ops
sysctl -q -w net.ipv4.ip_forward=1 && ip link add lab-br type bridge
ip -6 route add default via fe80::1 dev host0 proto ra
ip -4 rule add from 10.9.8.7 lookup 100
chgrp root /var/www/html
cat >/etc/nginx/conf.d/lab.conf <<'X'
log_format lab '$remote_addr [$time_local] "$request" $status '
               '$request_length "$http_user_agent"';
access_log /var/log/nginx/lab.log lab;
client_max_body_size 50m;
server { listen 127.0.0.1:8098; root /home/opspw/www; }
server { listen 127.0.0.1:8099; location / { proxy_pass http://127.0.0.1:80; } }
X
systemctl reload nginx
for n in $(seq 300); do ss -Hltn sport = :8099 | grep -q . && break; sleep 0.1; done
python3 -c 'import urllib.request
try: urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8099/", data=bytes(12 * 2**20)))
except urllib.error.HTTPError: pass'
cd / && runuser -u postgres -- psql -qX -c "SET password_encryption = md5" \
  -c "CREATE ROLE app LOGIN REPLICATION PASSWORD '@'" \
  -c "SELECT pg_create_physical_replication_slot('lab')"
echo 'host all,replication app all md5' >>/etc/postgresql/17/main/pg_hba.conf
before=$(date +%s.%N)
systemctl reload postgresql@17-main
for n in $(seq 300); do
  runuser -u postgres -- psql -qAtXc "SELECT pg_conf_load_time() >= to_timestamp($before)" | grep -q t && break
  sleep 0.1
done
"""
