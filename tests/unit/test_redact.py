"""Secrets do not survive redaction; ordinary text does."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardening.redact import RULES, _redact_assigned, redact

B64 = string.ascii_letters + string.digits + "+/"
CRYPT = string.ascii_letters + string.digits + "./"
WORD = string.ascii_letters + string.digits + "!%^&*()_+=~|<>?@#,.;:/-"


def of(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    """Return texts over an alphabet."""
    return st.text(alphabet, min_size=least, max_size=most or least)


# Each template puts the secret where {} stands. The secret alone is what must be gone.
SHAPED: dict[str, st.SearchStrategy[str]] = {
    "$y$j9T${}": st.builds("{}${}".format, of(CRYPT, 22), of(CRYPT, 43)),
    "$6${}": st.builds("{}${}".format, of(CRYPT, 8, 16), of(CRYPT, 86)),
    "$6$rounds=65536${}": st.builds("{}${}".format, of(CRYPT, 16), of(CRYPT, 86)),
    "$5${}": st.builds("{}${}".format, of(CRYPT, 16), of(CRYPT, 43)),
    "$1${}": st.builds("{}${}".format, of(CRYPT, 8), of(CRYPT, 22)),
    "$apr1${}": st.builds("{}${}".format, of(CRYPT, 8), of(CRYPT, 22)),
    "$2b$12${}": of(CRYPT, 53),
    "$2y$05${}": of(CRYPT, 53),
    "$argon2id$v=19$m=65536,t=3,p=4${}": st.builds("{}${}".format, of(B64, 22), of(B64, 43)),
    "{{SSHA}}{}": of(B64, 28, 60),
    "{{SHA}}{}=": of(B64, 27),
    "SCRAM-SHA-256$4096:{}": st.builds("{}==${}=:{}=".format, of(B64, 22), of(B64, 43), of(B64, 43)),
    "md5{}": of("0123456789abcdef", 32),
    "*{}": of("0123456789ABCDEF", 40),
    "AKIA{}": of(string.ascii_uppercase + string.digits, 16),
    "ghp_{}": of(string.ascii_letters + string.digits, 36),
    "eyJhbGciOiJIUzI1NiJ9.eyJ{}": st.builds("{}.{}".format, of(string.ascii_letters, 20), of(string.ascii_letters, 43)),
    "Authorization: Bearer {}": of(B64, 20, 60),
    "Authorization: Basic {}": of(B64, 8, 60),
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----": of(B64 + "\n", 70, 200),
    "-----BEGIN RSA PRIVATE KEY-----\n{}": of(B64 + "\n", 70, 200),
    "$ANSIBLE_VAULT;1.1;AES256\n          {}": of("0123456789abcdef", 80),
}
NAMED: tuple[str, ...] = (
    "password={}",
    "password = {}",
    'password: "{}"',
    "PGPASSWORD={}",
    '{{"password": "{}"}}',
    "{{'db_password': '{}'}}",
    "client_secret={}",
    'spring.datasource.password="{}"',
    "host=db user=app password={} dbname=app",
    "<Resource username='a' password='{}'/>",
    'keystorePass="{}"',
    "requirepass {}",
    'requirepass "{}"',
    "masterauth {}",
    "requirepass\n{}\n",
    "aws_secret_access_key = {}",
    "api_key: {}",
    "ALTER ROLE app PASSWORD '{}';",
    "CREATE USER 'a'@'%' IDENTIFIED BY '{}';",
    "mysql -u root -p{} -e 'SELECT 1'",
    "redis-cli -h 127.0.0.1 -a {} ping",
    "tool --password {} run",
    "sshpass -p {} ssh web01",
    "stats auth admin:{}",
    "bindpw {}",
    "ansible_become_pass: {}",
    "db01:5432:app:app:{}",
    "user app on >{} ~* +@all",
)


@pytest.mark.parametrize("template", SHAPED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_secret_is_known_by_its_shape(template: str, data: st.DataObject) -> None:
    """Hashes, keys and tokens go wherever they stand, and a second pass changes nothing."""
    secret = data.draw(SHAPED[template])
    before = data.draw(st.sampled_from(["", "root:", "x = ", "\n", '"', "(", "a line\n"]))
    after = data.draw(st.sampled_from(["", "\nnext line", '"', " # comment", ":19000:0:99999:7:::"]))

    redacted = redact(before + template.format(secret) + after)

    for part in re.findall(r"[A-Za-z0-9+/.]{12,}", secret):
        assert part not in redacted
    assert "[redacted:" in redacted
    assert redact(redacted) == redacted


# Words of configuration that stand where a password could stand; a secret spelt like one is taken for the word.
CONFIGURATION_WORDS = {"default", "required", "requisite", "optional", "sufficient", "force_plus_permanent"}


@pytest.mark.parametrize("template", NAMED)
@settings(max_examples=60, deadline=None)
@given(
    secret=of(string.ascii_letters + string.digits + "!%^*_+~?@,.-", 6, 30).filter(
        lambda text: text[0].isalnum() and text.rstrip(",;").lower() not in CONFIGURATION_WORDS
    )
)
def test_a_secret_is_known_by_the_name_before_it(template: str, secret: str) -> None:
    """What follows `password=` and its like goes, whatever it looks like, and the name stays."""
    assume(secret not in template + "[redacted:password]")
    text = template.format(secret)

    redacted = redact(text)

    assert secret not in redacted
    assert redacted.startswith(text[: text.index(secret)].rstrip("\"'>")[:8])
    assert redact(redacted) == redacted


@settings(max_examples=60, deadline=None)
@given(secret=of(WORD, 8, 40).filter(lambda text: text[0] not in ",;[{$*=>" and not text.startswith("files")))
def test_an_unquoted_value_goes_to_its_last_character(secret: str) -> None:
    """Punctuation inside an unquoted password does not end it."""
    # Words of configuration files that stand where a password could.
    assume(secret.lower() not in {"required", "requisite", "optional", "sufficient", "force_plus_permanent"})
    assert redact(f"run with db_password={secret} now") == "run with db_password=[redacted:password] now"


@settings(max_examples=60, deadline=None)
@given(user=of(string.ascii_letters, 1, 8), secret=of(string.ascii_letters + "!%^*_+~.;-", 6, 30))
def test_the_password_of_a_url_goes(user: str, secret: str) -> None:
    """Connection strings keep scheme, user and host."""
    text = f"dsn postgresql+psycopg://{user}:{secret}@db01:5432/app?sslmode=require end"

    assert redact(text) == f"dsn postgresql+psycopg://{user}:[redacted:password]@db01:5432/app?sslmode=require end"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from([template.format("abc123") for template in NAMED]),
            st.sampled_from(
                [
                    "password=",
                    '"',
                    "'",
                    "\n",
                    " ",
                    "[redacted:password]",
                    "[redacted:x",
                    "]",
                    "://a:",
                    "@",
                    "{{",
                    "$6$",
                    "user x ",
                    ">a",
                ]
            ),
        ),
        max_size=12,
    )
)
def test_redacting_twice_is_redacting_once(parts: list[str]) -> None:
    """Reports may redact what the ledger redacted already."""
    once = redact("".join(parts))

    assert redact(once) == once


def redact_by_every_rule(text: str) -> str:
    """Redact without the look that spares most texts most rules."""
    for rule in RULES:
        text = rule.pattern.sub(rule.remove, text)
    return _redact_assigned(text)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_rule_is_spared_that_would_have_matched(data: st.DataObject) -> None:
    """The quick look for needles only saves time."""
    template = data.draw(st.sampled_from([*SHAPED, *NAMED]))
    secret = data.draw(SHAPED.get(template, of(string.ascii_letters, 6, 12)))
    text = template.format(secret)
    text = data.draw(st.sampled_from([text, text.upper(), text.title(), f"x {text} y", text[: len(text) // 2]]))

    assert redact(text) == redact_by_every_rule(text)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("/etc/app.d/my-password:25:db_password=x", "/etc/app.d/my-password:25:db_password=[redacted:password]"),
        ("password = two words\nport = 1", "password = [redacted:password]\nport = 1"),
        ("export DB_PASSWORD=two words", "export DB_PASSWORD=[redacted:password]"),
        ("a password=x b=1 token=y", "a password=[redacted:password] b=1 token=[redacted:password]"),
        ("password='it''s' b=1", "password='[redacted:password]' b=1"),
        ('{"token":"a\\"b","x":1}', '{"token":"[redacted:password]","x":1}'),
        ('{default_pass,<<"guest">>}', '{default_pass,<<"[redacted:password]">>}'),
        ("PrivateKey = aGVsbG8=", "PrivateKey = [redacted:key]"),
        ("user a on >one ~* >two +@all", "user a on [redacted:password] +@all"),
        ("Uid=app;Pwd=x;Database=d", "Uid=app;Pwd=[redacted:password]"),
        ("x" * 200 + "password=y", "x" * 200 + "password=[redacted:password]"),
        ('password="never closed', "password=[redacted:password]"),
        ("password = off  # see above\n", "password = off  # see above\n"),
        ("Environment=DB_PASSWORD=x", "Environment=DB_PASSWORD=[redacted:password]"),
        ("password=x\r\nport=1\r\n", "password=[redacted:password]\r\nport=1\r\n"),
    ],
)
def test_a_value_reaches_as_far_as_it_can(text: str, redacted: str) -> None:
    """Where a secret ends depends on its quotes and on its place in the line."""
    assert redact(text) == redacted


ORDINARY = """\
PasswordAuthentication no
PermitEmptyPasswords no
passwordauthentication no
password_encryption = scram-sha-256
#ssl_passphrase_command = ''
PASS_MAX_DAYS\t99999
PASS_MIN_LEN 8
passwd:         files systemd
password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt
password requisite pam_pwquality.so retry=3 minlen=14
/etc/pam.d/common-password:25:password requisite pam_pwquality.so
/etc/passwd:root:x:0:0:root:/root:/bin/bash
root:x:0:0:root:/root:/bin/bash
daemon:*:19000:0:99999:7:::
root:!:19000:0:99999:7:::
-w /etc/passwd -p wa -k identity
server_tokens off;
ssl_certificate_key /etc/nginx/tls/key.pem;
ssl_password_file /etc/nginx/pass;
proxy_pass http://127.0.0.1:8080/app@v2;
rewrite ^/(.*)$ /index.php?q=$1$is_args$args last;
return 301 https://$host$request_uri;
X509v3 Basic Constraints: critical
requirepass ""
protected-mode yes
validate_password.policy=MEDIUM
validate_password=FORCE_PLUS_PERMANENT
default_password_lifetime=90
kernel.randomize_va_space = 2
-rw-r----- 1 root shadow 1024 Jan  1 00:00 /etc/shadow
Last password change\t\t: Jan 01, 2024
Password expires\t\t: never
00:16:3e:11:22:33
d41d8cd98f00b204e9800998ecf8427e  /etc/hosts
password: "{{ vault_password }}"
db_password = ${DB_PASSWORD}
-----BEGIN CERTIFICATE-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd2b1q1w3v4x5y6z7 jia@bastion
host    all   all   127.0.0.1/32   scram-sha-256
local   all   postgres   peer
PWD=/root
mysql -u root --port 3306 -e 'SHOW VARIABLES'
user www-data;
user nginx
auth_basic_user_file /etc/nginx/htpasswd;
%sudo ALL=(ALL:ALL) NOPASSWD: ALL
admin ALL=(root) PASSWD: /usr/bin/systemctl
Defaults passwd_tries=3, passwd_timeout=5
-a always,exit -F path=/usr/bin/passwd -F perm=x -F key=privileged
systemd-ask-password-wall.path enabled enabled
ssl_key_file = '/etc/ssl/private/ssl-cert-snakeoil.key'
private_key = /etc/pki/host.key
krb_server_keyfile = 'FILE:/etc/postgresql-common/krb5.keytab'
disconnect_on_expired_password=ON
  "password": "",
"""


@pytest.mark.parametrize("line", ORDINARY.splitlines())
def test_ordinary_configuration_is_left_alone(line: str) -> None:
    """A redacted setting would be a lie about the host."""
    assert redact(line) == line


def test_ordinary_configuration_is_left_alone_as_a_whole() -> None:
    """Patterns that look across lines find nothing either."""
    assert redact(ORDINARY) == ORDINARY


def test_a_des_hash_in_shadow_goes() -> None:
    """The oldest hash has a shape only in its place."""
    assert redact("old:abJnggxhB/yWI:10000:0:99999:7:::") == "old:[redacted:password-hash]:10000:0:99999:7:::"


def test_text_before_and_after_a_key_stays() -> None:
    """Only the key block goes."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----"

    assert redact(f"ssl on;\n{key}\nlisten 443;") == "ssl on;\n[redacted:private-key]\nlisten 443;"


HOSTILE = (
    "a",
    "a.",
    "password",
    "password=",
    "://",
    "x://a:",
    "$6$a$",
    "user x ",
    "mysql ",
    '"',
    "'",
    ":",
    "a:1:b:c:",
    " ",
    "\n",
    "-----BEGIN PRIVATE KEY-----",
    "eyJaaaaaaaa.",
    "identified by ",
    "bearer ",
    "curl -u a",
    "stats auth ",
    "{{",
    "cookie:",
    "$ANSIBLE_VAULT;\n0",
    "password=a\n",
    "password=a ",
    "password=off ",
    "x/password=",
    "api_key=",
)


def test_a_megabyte_of_hostile_text_is_redacted_within_a_minute() -> None:
    """No pattern takes time that grows with the square of the text: each of these would take hours if one did."""
    script = (
        "import sys; from hardening.redact import redact\n"
        f"for part in {HOSTILE!r}: redact(part * (200_000 // len(part)))\n"
    )

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=Path(__file__).parents[2])
