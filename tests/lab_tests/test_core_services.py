"""A service that runs but does not answer as before has its configuration back: nginx, PostgreSQL, one of our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core_hosts import apply_on, undo_on
from tests.core_tree import changed, failures
from tests.lab.host import LabHost
from tests.lab.lab import Lab

# A service that is up already answers at once here; a test need not wait as long as a campaign does.
SOON = "import hardening_core.answers\nhardening_core.answers.PATIENCE_S = 3.0\n"
OWN = """
import http.server, pathlib, time
if "deaf" in pathlib.Path("/etc/answering.conf").read_text():
    time.sleep(1e6)
http.server.HTTPServer(("127.0.0.1", 8099), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
UNIT = "[Service]\nExecStart=python3 /opt/answering.py\n"
DEAF = (
    SOON
    + """
def plan(control, system):
    system.file("/etc/answering.conf").set_text("deaf\\n")
    system.after("restart:answering.service")
"""
)
SITE = (
    SOON
    + """
def plan(control, system):
    system.file("/etc/nginx/sites-available/default").set_text("server { LINE }\\n")
    system.file("/etc/issue").set_text("it goes back, too\\n")
    system.after("reload:nginx.service")
"""
)
MOVED = SITE.replace("LINE", "listen 8081; root /var/www/html;")
BROKEN = SITE.replace("LINE", "listen 80 default_server; location / { return 502; }")
QUIET = (
    SOON
    + """
def plan(control, system):
    system.dropin("/etc/nginx/conf.d/zz-test.conf").set(control.id, "keepalive_timeout 33;")
    system.after("reload:nginx.service")
"""
)
POSTGRESQL = (
    SOON
    + """
def plan(control, system):
    directory = system.glob("/etc/postgresql/*/main")[0]
    unit = "postgresql@" + directory.split("/")[3] + "-main.service"
    system.dropin(directory + "/conf.d/zz-test.conf").set(control.id, "LINE")
    system.after("restart:" + unit)
"""
)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host with nginx, PostgreSQL and a small service of our own."""
    made = lab.host("services", image="debian13", services=("nginx", "postgresql"))
    made.boot()
    (made.root / "opt/answering.py").write_text(OWN)
    (made.root / "etc/answering.conf").write_text("well\n")
    (made.root / "etc/systemd/system/answering.service").write_text(UNIT)
    made.run("systemctl daemon-reload && systemctl start answering")
    yield made
    lab.remove(made.name)


def status(host: LabHost, port: int) -> str:
    """Return the HTTP status that the host itself gets of one of its ports."""
    program = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/', timeout=9).status)"
    return host.run(f'python3 -c "{program}"').strip()


def test_a_service_that_starts_and_does_not_answer_has_its_configuration_back(host: LabHost) -> None:
    """systemd calls it active; we say what no longer answers, and it answers again."""
    host.run("until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8099))'; do sleep 0.2; done")

    results = apply_on(host, DEAF, "deaf")

    assert changed(results) == []
    assert failures(results) == {
        "linux_deaf": "answering.service runs, but does not answer as before: "
        "127.0.0.1:8099 no longer lets a connection in; everything of this run was put back"
    }
    assert host.run("cat /etc/answering.conf") == "well\n"
    assert status(host, 8099) == "200"


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param(MOVED, ":80 no longer lets a connection in", id="another-port"),
        pytest.param(BROKEN, "answered 200, and now 502", id="bad-gateway", marks=pytest.mark.torture),
    ],
)
def test_nginx_answers_as_before_or_goes_back(host: LabHost, plan: str, said: str) -> None:
    """Its own checker agrees with either; every file of the run is as it was, and the page is there."""
    before = host.snapshot_tree(("/etc",))

    results = apply_on(host, plan, "nginx")

    assert changed(results) == []
    assert said in failures(results)["linux_nginx"]
    assert host.snapshot_tree(("/etc",)) == before
    assert status(host, 80) == "200"


def test_a_reload_that_keeps_the_service_answering_stays(host: LabHost) -> None:
    """And is undone as any change."""
    results = apply_on(host, QUIET, "nginx")
    undone = undo_on(host, *results)

    assert (changed(results), failures(results)) == (["linux_nginx"], {})
    assert (changed(undone), failures(undone)) == (["linux_nginx"], {})


@pytest.mark.torture
def test_postgresql_answers_on_its_socket_or_goes_back(host: LabHost) -> None:
    """A server that moved its socket away is up and out of reach; one that listens on fewer addresses is well."""
    moved = apply_on(host, POSTGRESQL.replace("LINE", "unix_socket_directories = '/tmp'"), "moved")
    session = host.run("runuser -u postgres -- psql -tAc 'select 1'").strip()
    narrowed = apply_on(host, POSTGRESQL.replace("LINE", "listen_addresses = 'localhost'"), "narrowed")
    closed = apply_on(host, POSTGRESQL.replace("LINE", "listen_addresses = ''"), "closed")
    still = host.run("runuser -u postgres -- psql -tAc 'show listen_addresses'").strip()

    assert (changed(moved), session) == ([], "1")
    assert "/.s.PGSQL.5432 no longer lets a connection in" in failures(moved)["linux_moved"]
    assert (changed(narrowed), failures(narrowed)) == (["linux_narrowed"], {})
    assert (changed(closed), failures(closed), still) == (["linux_closed"], {}, "")
