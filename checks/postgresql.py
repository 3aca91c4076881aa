"""How to look at PostgreSQL: each cluster is asked through SQL on its own socket, as the account that owns it.

No query asks for a password hash: what is returned are names and kinds.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from checks import CannotLook, NotApplicable, Truths, in_use, kind, read, runs

# The value in the files counts as the one on disk where the server has not taken it over yet: it needs a restart, or
# the file is newer than the last reload. Over a local socket the server shows its tcp settings as 0, whatever they are.
SETTINGS = """
SELECT json_object_agg(s.name, json_build_array(CASE WHEN s.name LIKE 'tcp\\_%' THEN s.reset_val ELSE s.setting END,
         CASE WHEN s.pending_restart OR f.newer THEN f.setting
              WHEN s.name LIKE 'tcp\\_%' THEN s.reset_val ELSE s.setting END))
FROM pg_settings s LEFT JOIN (
  SELECT DISTINCT ON (name) name, setting,
         (pg_stat_file(sourcefile)).modification > pg_conf_load_time() AS newer
  FROM pg_file_settings ORDER BY name, seqno DESC) f USING (name)
"""
# A rule for TLS lets nobody in while TLS is off; the server tells it as an error of its line.
NEVER_MATCHES = "because SSL is disabled"
RULES = """
SELECT coalesce(json_agg(json_build_object('line', line_number, 'type', type, 'database', database, 'user', user_name,
         'address', address, 'netmask', netmask, 'method', auth_method, 'error', error) ORDER BY line_number), '[]')
FROM pg_hba_file_rules
"""
ROLES = """
SELECT json_object_agg(rolname, json_build_object('superuser', rolsuper, 'createrole', rolcreaterole,
         'createdb', rolcreatedb, 'replication', rolreplication, 'bypassrls', rolbypassrls, 'login', rolcanlogin,
         'password', CASE WHEN rolpassword IS NULL THEN 'none' WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram'
                          WHEN rolpassword LIKE 'md5%' THEN 'md5' ELSE 'other' END,
         'expires', rolvaliduntil IS NOT NULL AND rolvaliduntil <> 'infinity'))
FROM pg_authid WHERE rolname NOT LIKE 'pg\\_%'
"""
PUBLIC_CREATE = "SELECT to_json(has_schema_privilege('public', 'public', 'CREATE'))"
LANGUAGES = (
    "SELECT coalesce(json_agg(lanname ORDER BY lanname), '[]') FROM pg_language WHERE NOT lanpltrusted AND lanispl"
)
EXTENSIONS = "SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM (SELECT extname AS name FROM pg_extension) e"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One line of pg_lsclusters(1)."""

    version: str
    name: str
    port: str
    owner: str
    data: str
    is_online: bool

    @property
    def configuration(self) -> str:
        """The directory of its configuration, as Debian lays it out."""
        return f"/etc/postgresql/{self.version}/{self.name}"


def targets(host: Any) -> list[str]:
    """Return the clusters of the host as `15-main`: those that run, and those that would start at boot."""
    clusters = _clusters(host)
    if not clusters and runs(host, "postgres"):
        raise CannotLook("PostgreSQL runs here, but not as a cluster that pg_lsclusters(1) knows: it cannot be asked")
    if not any(cluster.is_online for cluster in clusters) and not in_use(host, "postgresql.service"):
        return []
    return [f"{cluster.version}-{cluster.name}" for cluster in clusters]


@kind
def setting(host: Any, *, instance: str, name: str) -> Truths:
    """Return a setting in its base unit: what the server runs with, and what it would run with after a restart."""
    known = ask(host, instance, SETTINGS)
    if name not in known:
        raise NotApplicable(f"this version of PostgreSQL has no setting {name}")
    running, on_disk = known[name]
    return Truths(running=running, on_disk=on_disk)


@kind
def hba_method(host: Any, *, instance: str, method: str) -> list[str]:
    """Return the rules of pg_hba.conf that let people in with a method."""
    return [_said(rule) for rule in _rules(host, instance) if rule["method"] == method]


@kind
def hba_plain_remote(host: Any, *, instance: str) -> list[str]:
    """Return the rules that let other machines in without TLS."""
    return [_said(r) for r in _rules(host, instance) if r["type"] in ("host", "hostnossl") and _is_remote(r)]


@kind
def hba_open_addresses(host: Any, *, instance: str) -> list[str]:
    """Return the rules that let every address in."""
    everywhere = ("0.0.0.0", "::", "all")  # noqa: S104 - what the rules say, nothing is bound
    return [_said(r) for r in _rules(host, instance) if _is_remote(r) and r["address"] in everywhere]


@kind
def hba_superuser_remote(host: Any, *, instance: str) -> list[str]:
    """Return the rules that let a superuser, or everybody, in from other machines."""
    supers = {name for name, role in ask(host, instance, ROLES).items() if role["superuser"]} | {"all"}
    return [
        _said(r)
        for r in _rules(host, instance)
        if _is_remote(r) and supers & set(r["user"]) and r["method"] != "reject"
    ]


@kind
def roles_with(host: Any, *, instance: str, attribute: str) -> list[str]:
    """Return the roles that hold an attribute: superuser, or one of the others without being a superuser."""
    roles = ask(host, instance, ROLES)
    if attribute not in ("superuser", "createrole", "createdb", "replication", "bypassrls"):
        raise CannotLook(f"{attribute} is not an attribute of roles")
    return sorted(
        name for name, role in roles.items() if role[attribute] and (attribute == "superuser" or not role["superuser"])
    )


@kind
def login_roles(host: Any, *, instance: str, password: str) -> list[str]:
    """Return the roles that may log in and whose password is none, md5 or other; the cluster's owner is left out."""
    owner = _cluster(host, instance).owner
    roles = ask(host, instance, ROLES)
    return sorted(n for n, role in roles.items() if role["login"] and n != owner and role["password"] == password)


HELD = ("scram", "md5", "other")


@kind
def roles_without_expiry(host: Any, *, instance: str) -> list[str]:
    """Return the roles that log in with a password that never expires."""
    roles = ask(host, instance, ROLES)
    return sorted(n for n, r in roles.items() if r["login"] and r["password"] in HELD and not r["expires"])


@kind
def public_schema_create(host: Any, *, instance: str, database: str = "postgres") -> bool:
    """Return whether everybody may create objects in the schema public of a database."""
    return bool(ask(host, instance, PUBLIC_CREATE, database))


@kind
def untrusted_languages(host: Any, *, instance: str, database: str = "postgres") -> list[str]:
    """Return the procedural languages whose functions can reach the operating system."""
    found: list[str] = ask(host, instance, LANGUAGES, database)
    return found


@kind
def extensions(host: Any, *, instance: str, database: str = "postgres") -> list[str]:
    """Return the extensions of a database."""
    found: list[str] = ask(host, instance, EXTENSIONS, database)
    return found


@kind
def file_mode(host: Any, *, instance: str, file: str) -> str:
    """Return the permission bits of a file of the cluster: data, configuration, key, certificate, or one by name."""
    return read(host, "stat -L -c %%a %s", _path(host, instance, file)).strip().zfill(4)


@kind
def file_owner(host: Any, *, instance: str, file: str) -> str:
    """Return `user:group` of a file of the cluster."""
    return read(host, "stat -L -c %%U:%%G %s", _path(host, instance, file)).strip()


def _clusters(host: Any) -> list[Cluster]:
    listed = host.run("pg_lsclusters -h")
    if listed.rc == 127:
        return []
    if listed.rc != 0:
        raise CannotLook(f"`pg_lsclusters -h` answered {listed.rc}")
    lines = [line.split() for line in listed.stdout.splitlines() if line.strip()]
    return [
        Cluster(version=w[0], name=w[1], port=w[2], owner=w[4], data=w[5], is_online=w[3].startswith("online"))
        for w in lines
    ]


def _cluster(host: Any, instance: str) -> Cluster:
    for cluster in _clusters(host):
        if f"{cluster.version}-{cluster.name}" == instance:
            return cluster
    raise CannotLook(f"there is no cluster {instance} any more")


def clusters_of(host: Any) -> list[Cluster]:
    """Return the clusters that run or would start at boot."""
    in_service = targets(host)
    return [cluster for cluster in _clusters(host) if f"{cluster.version}-{cluster.name}" in in_service]


def cluster_owner(host: Any, instance: str) -> str:
    """Return the account that owns a cluster, and as which it is asked."""
    return _cluster(host, instance).owner


def ask(host: Any, instance: str, query: str, database: str = "postgres") -> Any:
    """Return the JSON that one query gives; a cluster that is down cannot be looked at."""
    cluster = _cluster(host, instance)
    asked = " ".join(query.split())
    printed = read(
        host,
        "runuser -u %s -- psql -X -q -A -t -v ON_ERROR_STOP=1 -p %s -d %s -c %s",
        cluster.owner,
        cluster.port,
        database,
        asked,
    )
    try:
        return json.loads(printed)
    except ValueError:
        raise CannotLook(f"psql answered what is no JSON: {printed[:100]!r}") from None


def _rules(host: Any, instance: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = ask(host, instance, RULES)
    if not rules:
        raise CannotLook("pg_hba_file_rules is empty")
    wrong = [rule for rule in rules if rule["error"] and NEVER_MATCHES not in rule["error"]]
    if wrong:
        raise CannotLook(f"pg_hba.conf line {wrong[0]['line']} does not parse: {wrong[0]['error']}")
    return [rule for rule in rules if not rule["error"]]


def _is_remote(rule: dict[str, Any]) -> bool:
    if rule["type"] == "local":
        return False
    address = rule["address"] or ""
    if address in ("samehost", "localhost"):
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True


def _said(rule: dict[str, Any]) -> str:
    words = (rule["type"], ",".join(rule["database"]), ",".join(rule["user"]), rule["address"], rule["method"])
    return f"line {rule['line']}: {' '.join(str(word) for word in words)}"


def _path(host: Any, instance: str, file: str) -> str:
    cluster = _cluster(host, instance)
    if file == "data":
        return cluster.data
    if file == "configuration":
        return cluster.configuration
    if file in ("key", "certificate"):
        name = {"key": "ssl_key_file", "certificate": "ssl_cert_file"}[file]
        path = str(ask(host, instance, SETTINGS)[name][0])
        return path if path.startswith("/") else f"{cluster.data}/{path}"
    return f"{cluster.configuration}/{file}"
