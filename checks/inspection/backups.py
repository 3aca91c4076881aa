"""Backups: how old, how large against the one before, and whether the newest one can be restored."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, needs_unit, now_s, number, seconds_between
from checks.postgresql import clusters_of

# In a cluster of its own that listens on no network, in a directory that goes with it: the running one is not touched.
_RESTORE = r"""
set -eu
bin=$1; dump=$2; room=$(mktemp -d -p "${TMPDIR:-/tmp}" restore-proof.XXXXXX)
trap '"$bin/pg_ctl" -D "$room/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$room"' EXIT
"$bin/initdb" -D "$room/data" -A trust --no-sync >/dev/null
"$bin/pg_ctl" -D "$room/data" -w -t 60 -l "$room/log" \
  -o "-c listen_addresses= -c unix_socket_directories=$room -c fsync=off" start >/dev/null
"$bin/createdb" -h "$room" proof
case $dump in
  *.sql) "$bin/psql" -X -q -h "$room" -d proof -v ON_ERROR_STOP=1 -f "$dump" >/dev/null;;
  *.sql.gz) gzip -dc "$dump" | "$bin/psql" -X -q -h "$room" -d proof -v ON_ERROR_STOP=1 >/dev/null;;
  *) "$bin/pg_restore" -h "$room" -d proof --no-owner --no-privileges --exit-on-error "$dump";;
esac
"$bin/psql" -X -A -t -h "$room" -d proof -c \
  "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
   WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema')"
"""

# The same for MariaDB. The dump comes on standard input, so that it may be root's alone; a dump that names its
# programs at its beginning must say at its end that it is complete, because one that was cut off can still be valid.
_MARIADB_RESTORE = r"""
set -eu
room=$(mktemp -d -p "${TMPDIR:-/tmp}" restore-proof.XXXXXX); server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server" || true; } 2>/dev/null; rm -rf "$room"' EXIT
mariadb-install-db --no-defaults --datadir="$room/data" --auth-root-authentication-method=normal --skip-test-db \
  >"$room/log" 2>&1 || { tail -n 1 "$room/log" >&2; exit 1; }
mariadbd --no-defaults --datadir="$room/data" --socket="$room/socket" --pid-file="$room/pid" --skip-networking \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M </dev/null >>"$room/log" 2>&1 & server=$!
ask() { mariadb --no-defaults --user=root --socket="$room/socket" --batch --skip-column-names "$@"; }
tries=0
until ask --execute='SELECT 1' </dev/null >/dev/null 2>&1; do
  tries=$((tries + 1)); [ $tries -lt 600 ] && kill -0 "$server" 2>/dev/null || { tail -n 1 "$room/log" >&2; exit 1; }
  sleep 0.1
done
ask --execute='CREATE DATABASE proof' </dev/null
# Counted over the same connection: a dump of all databases may end with other accounts in force than ours.
found=$({ tee "$room/dump"; printf '\n%s\n' "SELECT count(*) FROM information_schema.tables
  WHERE table_type = 'BASE TABLE'
  AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');"; } | ask proof | tail -n 1)
if head -n 5 "$room/dump" | grep -q '^-- M[a-zA-Z]* dump'; then
  tail -c 200 "$room/dump" | grep -q '^-- Dump completed' ||
    { echo 'the dump does not say that it is complete' >&2; exit 1; }
fi
case $found in '' | *[!0-9]*) echo 'what was restored cannot be counted' >&2; exit 1;; esac
echo "$found"
"""


@look
def backup_age_hours(host: Any, *, directory: str, unit: str = "", pattern: str = "*") -> float | None:
    """Return the age of the newest backup file in hours; None where there is none, which is the worst age."""
    files = _files(host, directory, unit, pattern)
    return None if not files else round(seconds_between(files[-1][0], now_s(host)) / 3600, 1)


@look
def backup_shrink(host: Any, *, directory: str, unit: str = "", pattern: str = "*") -> float:
    """Return by how many percent the newest backup is smaller than the one before it; growth is 0."""
    files = _files(host, directory, unit, pattern)
    if len(files) < 2:
        raise NotApplicable("there are not two backups to compare")
    before, newest = files[-2][1], files[-1][1]
    if before == 0:
        raise CannotLook("the backup before the newest is empty")
    return round(max(0.0, 100 * (before - newest) / before), 1)


@look
def postgresql_restore(host: Any, *, directory: str, pattern: str = "*") -> str | None:
    """Return `restored, N tables` where the newest dump was restored into a throw-away cluster, else what failed.

    None where there is no dump. Source: initdb, pg_ctl and pg_restore of the newest cluster's own version.
    """
    files = _files(host, directory, "", pattern)
    clusters = clusters_of(host)
    if not clusters:
        raise NotApplicable("PostgreSQL is not in use here")
    if not files:
        return None
    cluster = clusters[-1]
    programs = f"/usr/lib/postgresql/{cluster.version}/bin"
    if host.run("test -x %s/initdb", programs).rc != 0:
        raise CannotLook(f"{programs} holds no initdb")
    if host.run("runuser -u %s -- test -r %s", cluster.owner, files[-1][2]).rc != 0:
        raise CannotLook(f"{cluster.owner} may not read {files[-1][2]}")
    done = host.run("runuser -u %s -- sh -c %s sh %s %s", cluster.owner, _RESTORE, programs, files[-1][2])
    if done.rc == 0:
        return f"restored, {int(number(done.stdout, 'the number of tables'))} tables"
    said = lines(done.stderr)
    return f"failed: {said[-1][:200] if said else f'exit {done.rc}'}"


@look
def mariadb_restore(host: Any, *, directory: str, pattern: str = "*.sql*") -> str | None:
    """Return `restored, N tables` where the newest dump was restored into a throw-away server, else what failed.

    None where there is no dump. Source: mariadbd of the host's own version, as the account mysql.
    """
    needs_unit(host, "mariadb.service")
    files = _files(host, directory, "", pattern)
    if not files:
        return None
    dump = files[-1][2]
    if not dump.endswith((".sql", ".sql.gz")):
        raise CannotLook(f"{dump} is neither .sql nor .sql.gz")
    opened = "gzip -dc" if dump.endswith(".gz") else "cat"
    piped = f'set -o pipefail; {opened} "$1" | runuser -u mysql -- bash -o pipefail -c "$2"'
    done = host.run("bash -c %s bash %s %s", piped, dump, _MARIADB_RESTORE)
    if done.rc == 0:
        return f"restored, {int(number(done.stdout, 'the number of tables'))} tables"
    said = lines(done.stderr)
    return f"failed: {said[-1][:200] if said else f'exit {done.rc}'}"


def _files(host: Any, directory: str, unit: str, pattern: str) -> list[tuple[float, float, str]]:
    """Return time, size and path of the backup files, the oldest first."""
    needs_unit(host, unit)
    if host.run("test -d %s", directory).rc != 0:
        return []
    listed = read(host, "find %s -type f -name %s -printf %s", directory, pattern, "%T@ %s %p\\n")
    rows = [line.split(maxsplit=2) for line in lines(listed)]
    return sorted((number(row[0], "a time"), number(row[1], "a size"), row[2]) for row in rows)
