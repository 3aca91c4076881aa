"""MariaDB at work, asked through its own socket as the system's root. No query asks for data or for a password."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, Counted, NotApplicable, read, runs
from checks.inspection.marking import look
from checks.inspection.reading import NOT_PACKED, lines, needs_journal, needs_unit, number, percent

UNIT = "mariadb.service"
CLIENT = "mariadb --batch --skip-column-names --raw --connect-timeout=10 --execute=%s"
# With its columns' names, which --skip-column-names leaves out of the long form, too.
LONG_FORM = "mariadb --batch --vertical --connect-timeout=10 --execute=%s"
FIGURES = "SHOW GLOBAL STATUS; SHOW GLOBAL VARIABLES"
LONGEST = """
SELECT coalesce(max(time_ms) / 1000, 0) FROM information_schema.processlist
WHERE command IN ('Query', 'Execute') AND id <> connection_id()
"""
OLDEST = """
SELECT coalesce(max(timestampdiff(SECOND, t.trx_started, now())), 0) FROM information_schema.innodb_trx t
JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.command = 'Sleep'
"""
# A statement waits for a row in the engine, or for a whole table in the server.
LOCKED = """
SELECT (SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT')
  + (SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%lock')
"""
REPLICATION = "SHOW ALL SLAVES STATUS"
# Lines begin with `2026-08-01 12:00:00 0 [ERROR]`, an hour below ten with a blank before it.
COUNT_ERRORS = r"""
/\[ERROR\]/ {at = $1 " " (length($2) < 8 ? "0" $2 : $2); if (at >= since) n++}
END {print n + 0}
"""
# What the client says where the server does not answer at all, and not that it lets us in or not.
_NOBODY_THERE = ("ERROR 2002", "ERROR 2003", "ERROR 2013")


@look
def mariadb_available(host: Any) -> str:
    """Return `up` where the server answers a query, else `down`."""
    _expected(host)
    done = host.run(CLIENT, "SELECT 1")
    if done.rc == 0 and str(done.stdout).strip() == "1":
        return "up"
    if any(sign in str(done.stderr) for sign in _NOBODY_THERE):
        return "down"
    raise CannotLook(_complaint(done))


@look
def mariadb_connection_use(host: Any) -> float:
    """Return how many of its connections the server has given away, in percent."""
    told = _figures(host)
    return percent(_figure(told, "Threads_connected"), _figure(told, "max_connections"))


@look
def mariadb_longest_query(host: Any) -> float:
    """Return for how many seconds the longest statement has been running."""
    return round(_one(host, LONGEST), 1)


@look
def mariadb_idle_in_transaction(host: Any) -> float:
    """Return the age in seconds of the oldest transaction whose session does nothing at this moment."""
    return _one(host, OLDEST)


@look
def mariadb_waiting_for_locks(host: Any) -> float:
    """Return how many statements wait for a lock."""
    return _one(host, LOCKED)


@look
def mariadb_per_hour(host: Any, *, counter: str) -> Counted:
    """Return what a counter has come to: how much it grows an hour is told from two looks."""
    told = _figures(host)
    return Counted(total=_figure(told, counter), up_s=_figure(told, "Uptime"))


@look
def mariadb_pool_misses(host: Any, *, requests: int) -> float:
    """Return how many pages in a hundred requests InnoDB had to fetch from the disk.

    Too few requests since the server started say nothing of the buffer pool's size.
    """
    told = _figures(host)
    asked = _figure(told, "Innodb_buffer_pool_read_requests")
    if asked < requests:
        raise NotApplicable(f"InnoDB has served {asked:.0f} requests so far, and {requests} are worth a judgement")
    fetched = _figure(told, "Innodb_buffer_pool_reads") + _figure(told, "Innodb_buffer_pool_read_ahead")
    return percent(fetched, asked)


@look
def mariadb_replication(host: Any) -> dict[str, str]:
    """Return for each connection to a primary `running`, or which of its two threads stands and why."""
    return {name: _thread_state(shown) for name, shown in _replicas(host).items()}


def _thread_state(shown: dict[str, str]) -> str:
    states = {part: shown[f"Slave_{part}_Running"] for part in ("IO", "SQL")}
    if all(state == "Yes" for state in states.values()):
        return "running"
    said = [f"{part} {state}" for part, state in states.items() if state != "Yes"]
    numbers = [f"error {code}" for part in states if (code := shown.get(f"Last_{part}_Errno", "0")) != "0"]
    return "stopped: " + ", ".join(said + numbers)


@look
def mariadb_replication_lag(host: Any) -> dict[str, float | None]:
    """Return for each connection to a primary how many seconds it is behind, None where the server cannot tell."""
    seconds = {name: shown["Seconds_Behind_Master"] for name, shown in _replicas(host).items()}
    return {name: None if said == "NULL" else number(said, "the lag") for name, said in seconds.items()}


@look
def mariadb_errors(host: Any, *, hours: int) -> float:
    """Return how many lines of the class ERROR the server has logged in the last hours.

    Source: the journal; where the server logs to a file of its own, the lines of that file since the same moment.
    """
    _expected(host)
    path = str(_figures(host).get("log_error", ""))
    if not path:
        needs_journal(host)
        said = read(host, "journalctl -q -u %s --since %s -o cat --no-pager", UNIT, f"-{hours}h")
        return float(sum("[ERROR]" in line for line in lines(said)))
    directory = str(_figures(host).get("datadir", "/var/lib/mysql/"))
    path = path if path.startswith("/") else directory + path
    since = read(host, "date -d %s '+%%Y-%%m-%%d %%H:%%M:%%S'", f"-{hours} hours").strip()
    place, _, name = path.rpartition("/")
    if host.run("test -f %s", path).rc != 0:
        raise CannotLook(f"{path}, to which the server logs, is not there")
    # With what was rotated and is not compressed yet.
    kept = lines(read(host, f"find %s/ -maxdepth 1 -type f -name %s {NOT_PACKED}", place, f"{name}*"))
    return sum(number(read(host, "awk -v since=%s %s %s", since, COUNT_ERRORS, each), "a count") for each in kept)


def _expected(host: Any) -> None:
    try:
        needs_unit(host, UNIT)
    except NotApplicable:
        if runs(host, "mariadbd"):
            raise CannotLook("mariadbd runs here, but not as mariadb.service: it cannot be asked") from None
        raise


def _complaint(done: Any) -> str:
    said = lines(str(done.stderr))
    return f"mariadb said: {said[-1][:200] if said else f'nothing, and answered {done.rc}'}"


def _ask(host: Any, query: str, client: str = CLIENT) -> str:
    _expected(host)
    done = host.run(client, query)
    if done.rc != 0:
        raise CannotLook(_complaint(done))
    return str(done.stdout)


def _one(host: Any, query: str) -> float:
    return number(_ask(host, query), "the answer")


def _figures(host: Any) -> dict[str, str]:
    """Return status and settings by name: one question for every item that asks for one of them."""
    rows = (line.split("\t", 1) for line in _ask(host, FIGURES).splitlines() if "\t" in line)
    return {row[0]: row[1] for row in rows}


def _figure(told: dict[str, str], name: str) -> float:
    if name not in told:
        raise CannotLook(f"this server has no figure {name}")
    return number(told[name], name)


def _replicas(host: Any) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    shown: dict[str, str] = {}
    for line in _ask(host, REPLICATION, LONG_FORM).splitlines():
        name, colon, value = line.strip().partition(":")
        if name == "Connection_name":
            shown = found.setdefault(value.strip() or "default", {})
        elif colon:
            shown.setdefault(name, value.strip())
    if not found:
        raise NotApplicable("nothing is replicated to here")
    return found
