"""What the looks at nginx and PostgreSQL make of recorded answers: a part that was not seen is never left out."""

from __future__ import annotations

import pytest

from checks import CannotLook, NotApplicable
from checks.nginx import directive_anywhere, server_directive
from checks.nginx import targets as nginx_targets
from checks.postgresql import targets as postgresql_targets
from checks.sshd import CHANGED_SINCE_READ, option
from tests.recorded import RecordedHost

MAIN = """\
# configuration file /etc/nginx/nginx.conf:
user www-data;
http {
    server_tokens off;
    include conf.d/*.conf;
    include /etc/nginx/sites-enabled/[a-y]*;
}
# configuration file /etc/nginx/conf.d/common.conf:
ssl_protocols TLSv1.2;
# configuration file /etc/nginx/sites-enabled/default:
server { listen 80; server_name one; include snippets/open.conf; }
server { listen 443 ssl; server_name "two"; server_tokens on; }
# configuration file /etc/nginx/snippets/open.conf:
autoindex on;
"""
UNIT = "systemctl show -p ActiveState -p UnitFileState nginx.service"
RUNNING = "pgrep --ns 1 --nslist pid -x"


def _nginx(printed: str) -> RecordedHost:
    return RecordedHost({"/usr/sbin/nginx -T 2>/dev/null": (0, printed, "")})


def test_an_included_file_counts_where_it_is_included() -> None:
    """By a relative path, a star, a choice of letters, and from inside a server."""
    host = _nginx(MAIN)

    assert server_directive(host, directive="server_tokens") == {"one:80": "off", "two:443": "on"}
    assert server_directive(host, directive="autoindex") == {"one:80": "on", "two:443": None}
    assert directive_anywhere(host, directive="ssl_protocols") == ["TLSv1.2"]


def test_a_file_that_nginx_reads_and_we_cannot_place_is_not_left_out() -> None:
    """It may hold the very line that is looked for: no verdict without it."""
    host = _nginx(MAIN + "# configuration file /etc/nginx/zone.conf:\nautoindex on;\n")

    with pytest.raises(CannotLook, match=r"nginx reads /etc/nginx/zone\.conf"):
        directive_anywhere(host, directive="autoindex")


@pytest.mark.parametrize("text", ["http { server {", "http { } }", "user www-data"])
def test_a_configuration_that_does_not_end_well_is_not_judged(text: str) -> None:
    """Half a configuration would be one without the second half's lines."""
    with pytest.raises(CannotLook):
        directive_anywhere(_nginx(f"# configuration file /etc/nginx/nginx.conf:\n{text}"), directive="autoindex")


def test_without_a_server_there_is_nothing_to_compare() -> None:
    """No server is not a server that is as wanted."""
    with pytest.raises(NotApplicable, match="no server"):
        server_directive(_nginx("# configuration file /etc/nginx/nginx.conf:\nhttp { }\n"), directive="server_tokens")


@pytest.mark.parametrize(("rc", "found"), [(0, [""]), (1, [])])
def test_an_nginx_that_was_started_by_hand_is_in_use(rc: int, found: list[str]) -> None:
    """Its unit neither runs nor is enabled, and yet it serves."""
    unit = (0, "ActiveState=inactive\nUnitFileState=disabled\n", "")
    host = RecordedHost({"test -x /usr/sbin/nginx": (0, "", ""), UNIT: unit, f"{RUNNING} nginx": (rc, "", "")})

    assert nginx_targets(host) == found


def test_a_postgresql_that_cannot_be_asked_is_not_an_absent_one() -> None:
    """It was not installed as Debian does it: nobody knows how it is set, so nobody says that it is not in use."""
    with pytest.raises(CannotLook, match="PostgreSQL runs here"):
        postgresql_targets(RecordedHost({f"{RUNNING} postgres": (0, "812\n", "")}))
    unit = (0, "ActiveState=inactive\nUnitFileState=disabled\n", "")
    absent = RecordedHost({UNIT.replace("nginx", "postgresql"): unit})
    assert postgresql_targets(absent) == []


def _sshd(pid_file: str, changed: tuple[int, str, str]) -> RecordedHost:
    asked = CHANGED_SINCE_READ % "/run/sshd.pid"
    printed = f"port 22\npidfile {pid_file}\nmaxauthtries 4\n"
    return RecordedHost({"/usr/sbin/sshd -T": (0, printed, ""), asked: changed})


def test_an_option_that_the_server_has_not_read_is_not_known() -> None:
    """sshd -T reads the disk; a server that was not reloaded since runs with something else, and tells nobody what."""
    with pytest.raises(CannotLook, match=r"before /etc/ssh/sshd_config\.d/a\.conf changed; reload it"):
        option(_sshd("/run/sshd.pid", (0, "./sshd_config.d/a.conf\n", "")), option="MaxAuthTries")
    with pytest.raises(CannotLook):
        option(_sshd("/run/sshd.pid", (1, "", "find: permission denied")), option="MaxAuthTries")

    assert option(_sshd("/run/sshd.pid", (0, "", "")), option="MaxAuthTries") == "4"
    assert option(_sshd("none", (127, "", "")), option="MaxAuthTries") == "4"
