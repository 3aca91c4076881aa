"""A real server's secrets are in nothing that we keep or hand out, and its evidence is checked by other tools."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardening.reports import FORMATS
from tests.bundles import allowed_signers, ssh_key, unpacked
from tests.command_line import CommandLine, Said
from tests.lab.host import LabHost
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab

# Every one is another text, so that a leak names its place. None looks like a word that a report has by itself.
HASH = "$6$kookaburra1$Zq7KvY0wq1jXb8eEJ3uB1n2m3o4p5q6r7s8t9uAvBwCxDyEzF0G1H2I3J4K5L6M7N8O9P0QaRbScTdUeVfWg."
SECRETS = {
    "shadow": HASH.split("$")[3],
    "history": "kookaburra-history-01",
    "environment": "kookaburra-environment-02",
    "dotenv": "kookaburra-dotenv-03",
    "unit": "kookaburra-unit-04",
    "cron": "kookaburra-cron-05",
    "pgpass": "kookaburra-pgpass-06",
    "conninfo": "kookaburra-conninfo-07",
    "hba": "kookaburra-hba-08",
    "role": "kookaburra-role-09",
    "proxy": "kookaburra-proxy-10",
    "basic": "a29va2FidXJyYTpiYXNpYy0xMQ",
    "authorized": "kookaburra-authorized-12",
    "fstab": "kookaburra-fstab-13",
    "grub": "4B4F4F4B4142555252412D475255422D31344B4F4F4B4142555252412D47525542",
    "process": "kookaburra-process-15",
    "pam": "kookaburra-pam-16",
    "rsyslog": "kookaburra-rsyslog-17",
    "sudoers": "kookaburra-sudoers-18",
    "sshd": "kookaburra-sshd-19",
    "profile": "kookaburra-profile-20",
    "chrony": "kookaburra-chrony-21",
}
# Shell, run as root on the host.
PLANT = f"""
set -e
useradd -m -p '{HASH}' kookaburra
printf 'mysql -uroot -p{SECRETS["history"]}\\n' >> /root/.bash_history
printf 'API_TOKEN={SECRETS["environment"]}\\n' >> /etc/environment
mkdir -p /opt/app
printf 'DB_PASSWORD={SECRETS["dotenv"]}\\n' > /opt/app/.env
printf '[Service]\\nEnvironment=PGPASSWORD={SECRETS["unit"]}\\nExecStart=/bin/sleep 9000\\n' \
  > /etc/systemd/system/kookaburra.service
printf '0 3 * * * root mysqldump -uroot -p{SECRETS["cron"]} all\\n' > /etc/cron.d/kookaburra
printf '*:5432:*:root:{SECRETS["pgpass"]}\\n' > /root/.pgpass && chmod 600 /root/.pgpass
printf "Acquire::http::Proxy \\"http://u:{SECRETS["proxy"]}@192.0.2.1:3128\\";\\n" > /etc/apt/apt.conf.d/99kookaburra
mkdir -p /root/.ssh && chmod 700 /root/.ssh
printf 'environment="TOKEN={SECRETS["authorized"]}",restrict ssh-ed25519 %s k\\n' \
  AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA >> /root/.ssh/authorized_keys
printf '//192.0.2.9/share /mnt/kooka cifs noauto,username=k,password={SECRETS["fstab"]} 0 0\\n' >> /etc/fstab
mkdir -p /etc/grub.d
printf 'set superusers="root"\\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.{SECRETS["grub"]}.{SECRETS["grub"]}\\n' \
  >> /etc/grub.d/40_custom
printf 'auth optional pam_deny.so passwd={SECRETS["pam"]}\\n' > /etc/pam.d/kookaburra
mkdir -p /etc/rsyslog.d
printf '# action(type="ommysql" pwd="x" serverpassword="{SECRETS["rsyslog"]}")\\n' > /etc/rsyslog.d/90-kookaburra.conf
printf '# password={SECRETS["sudoers"]}\\n' > /etc/sudoers.d/90-kookaburra && chmod 440 /etc/sudoers.d/90-kookaburra
printf '# SetEnv PASSWORD={SECRETS["sshd"]}\\n' > /etc/ssh/sshd_config.d/90-kookaburra.conf
printf 'export MYSQL_PWD={SECRETS["profile"]}\\n' > /etc/profile.d/kookaburra.sh
mkdir -p /etc/chrony && printf '1 SHA1 password={SECRETS["chrony"]}\\n' >> /etc/chrony/chrony.keys
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=k -keyout /etc/nginx/kooka.key -out /etc/nginx/kooka.crt 2>/dev/null
printf 'server {{ listen 8443 ssl; ssl_certificate /etc/nginx/kooka.crt; ssl_certificate_key /etc/nginx/kooka.key;
  location / {{ proxy_set_header Authorization "Basic {SECRETS["basic"]}=="; proxy_pass http://127.0.0.1:1; }} }}\\n' \
  > /etc/nginx/conf.d/kookaburra.conf
systemctl reload nginx ssh
cd /tmp
runuser -u postgres -- psql -q -c "CREATE ROLE kooka LOGIN PASSWORD '{SECRETS["role"]}'" \
  -c "ALTER SYSTEM SET primary_conninfo = 'host=192.0.2.1 user=k password={SECRETS["conninfo"]}'"
hba=$(runuser -u postgres -- psql -XAtc 'SHOW hba_file')
printf 'host all all 192.0.2.0/24 ldap ldapserver=x ldapbasedn="dc=x" ldapbinddn="cn=x" ldapbindpasswd="%s"\\n' \
  {SECRETS["hba"]} >> "$hba"
runuser -u postgres -- psql -q -c 'SELECT pg_reload_conf()' > /dev/null
systemctl daemon-reload
systemd-run -q --unit kooka-process sh -c 'exec sleep 9000 || : --password={SECRETS["process"]}'
"""


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[LabHost]:
    """A web and database server with a secret in every place where secrets live."""
    host = lab.host("evidence", image="debian12", services=("nginx", "postgresql"))
    host.boot()
    host.run(PLANT)
    yield host
    lab.remove(host.name)


@pytest.fixture
def line(hardening: CommandLine, server: LabHost) -> CommandLine:
    """The command line beside an inventory of the server."""
    write_inventory(hardening.place / "lab.yml", [server])
    return hardening


def canaries(server: LabHost) -> dict[str, bytes]:
    """Return every secret with its place: those that were planted, and lines out of the private keys on the host."""
    found = {place: secret.encode() for place, secret in SECRETS.items()}
    for path in ("/root/.ssh/id_ed25519", "/etc/nginx/kooka.key", "/etc/ssh/ssh_host_ed25519_key"):
        lines = server.run(f"cat {path}").splitlines()
        found[path] = lines[2].encode()
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'kooka'"
    found["pg_authid"] = server.run(f'cd /tmp; runuser -u postgres -- psql -XAtc "{verifier}"').strip().encode()
    assert all(len(secret) > 15 for secret in found.values())
    return found


def test_no_secret_of_a_host_is_in_anything_that_is_kept_or_shown(line: CommandLine, server: LabHost) -> None:
    """The look of a scan at everything, every report, the plan, the ledger, and the bundle, which verifies."""
    secrets = canaries(server)
    formats = [name for name in FORMATS if name != "pdf"]  # A PDF is the DOCX, printed.
    only = [word for name in formats for word in ("--format", name)]

    look = ("plan", "-i", "lab.yml", "-p", "server-strict", "--no-preview", "-o", "plan.yml", "--json")
    planned = line(*look)
    exported = line("evidence", "export", "latest-plan", "-o", "bundle.zip", *only)
    verified = line("evidence", "verify", "bundle.zip", "--unsigned", "--against-ledger")

    assert planned.code == 1, planned.err
    assert (exported.code, verified.code) == (0, 0), (exported.err, verified.out)
    assert leaks(secrets, line.place, planned, exported, verified) == {}
    # The scan met secrets, and took them out.
    assert "[redacted:" in planned.out
    assert len(re.findall(r'"status": "(PASS|FAIL)"', planned.out)) > 200


def leaks(secrets: dict[str, bytes], place: Path, *said: Said) -> dict[str, list[str]]:
    """Return which secret is in which file or answer, in what other packing it may be."""
    held = {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}
    parts = {name: list(unpacked(path)) for name, path in held.items()}
    for number, each in enumerate(said):
        parts[f"answer {number}"] = [
            each.out.encode("utf-8", "surrogatepass"),
            each.err.encode("utf-8", "surrogatepass"),
        ]
    assert any(name.endswith("ledger.sqlite3") for name in parts)
    found: dict[str, list[str]] = {}
    for where, secret in secrets.items():
        files = [name for name, contents in parts.items() if any(secret in content for content in contents)]
        if files:
            found[where] = files
    return found


def test_the_secrets_are_where_the_scan_looks(server: LabHost) -> None:
    """Without this the test above could pass on an empty host."""
    seen = server.run("cat /etc/shadow; nginx -T 2>/dev/null; cat /etc/fstab /etc/environment")

    assert all(SECRETS[place] in seen for place in ("shadow", "basic", "fstab", "environment"))
    assert "kookaburra-hba" in server.run("cat /etc/postgresql/*/main/pg_hba.conf")


def test_the_evidence_of_a_real_scan_is_checked_with_other_tools(line: CommandLine, tmp_path: Path) -> None:
    """By the page in the bundle: sha256sum and ssh-keygen, and no tool of ours."""
    key = ssh_key(tmp_path, "wang")
    rules = allowed_signers(tmp_path, key)
    line("scan", "-i", "lab.yml", "-p", "server-strict", "--component", "sshd")
    exported = line("evidence", "export", "-o", "bundle", "--format", "json", "--format", "html", "--sign-key", key)
    page = Path("bundle/README.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)

    said = subprocess.run(
        ["sh", "-c", "set -e\n" + "".join(blocks)],
        cwd="bundle",
        env={"PATH": os.environ["PATH"], "ALLOWED_SIGNERS": str(rules)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert exported.code == 0
    assert said.returncode == 0, said.stderr
    assert 'Good "hardening-evidence" signature for wang' in said.stdout
