"""Redis at work: every instance that systemd knows, asked over its own socket or port.

Keys and values are never asked for. A password stays on the host: its client takes it from the configuration there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checks import CannotLook, Counted, NotApplicable, read, runs
from checks.inspection.marking import look
from checks.inspection.reading import lines, now_s, number, percent, used_units

UNITS = "systemctl list-units --all --plain --no-legend --type=service 'redis-server*' 'redis.service' 'redis@*'"
# Servers with what started each: one that saves is its server's own child.
PROCESSES = "pgrep --ns 1 --nslist pid -x redis-server | xargs -r ps -o pid=,ppid= -p"
# The last line of a name counts, as it does for the server. Quotes around a value are the configuration's own.
ASK = r"""
conf=$1; shift
test -r "$conf" || { echo "$conf cannot be read" >&2; exit 3; }
said() { sed -n "s/^[[:space:]]*$1[[:space:]]\{1,\}//Ip" "$conf" | tail -n 1 | tr -d "\"'\r"; }
port=$(said port); socket=$(said unixsocket); secret=$(said requirepass); bound=$(said bind)
case " $bound " in
  '  ' | *' 127.0.0.1 '* | *' -127.0.0.1 '* | *' 0.0.0.0 '* | *' * '* | *' localhost '*) address=127.0.0.1;;
  *) address=${bound%% *}; address=${address#-};;
esac
if [ -n "$socket" ]; then set -- -s "$socket" "$@"
elif [ "${port:-6379}" != 0 ]; then set -- -h "$address" -p "${port:-6379}" "$@"
else echo "it listens on neither a port without TLS nor a socket" >&2; exit 3; fi
if [ -n "$secret" ]; then REDISCLI_AUTH=$secret; export REDISCLI_AUTH; fi
exec timeout 10 redis-cli "$@"
"""
_REPLICA = re.compile(r"^ip=(?P<ip>[^,]*),port=(?P<port>\d+),state=(?P<state>\w+),offset=\d+,lag=(?P<lag>-?\d+)")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One server: the name of its unit, the configuration that it was started with, and its process."""

    name: str
    configuration: str
    pid: str = ""


@look
def redis_available(host: Any) -> dict[str, str | None]:
    """Return for each instance `up` where it answers, `loading` while it reads its data, else `down`.

    One that no unit of systemd started stands there with nothing: how it is configured is not known, nor how it is.
    """
    instances = _instances(host)
    found: dict[str, str | None] = {instance.name: _answer(host, instance) for instance in instances}
    known = {instance.pid for instance in instances}
    for pid, parent in (line.split() for line in lines(read(host, PROCESSES))):
        if not {pid, parent} & known:
            found[_started_by(host, pid)] = None
    return found


def _started_by(host: Any, pid: str) -> str:
    """Return a name that outlives the process: its own words, which hold its port."""
    return read(host, "tr '\\0' ' ' < /proc/%s/cmdline", pid).strip() or f"process {pid}"


def _answer(host: Any, instance: Instance) -> str:
    done = _run(host, instance, "ping")
    said = str(done.stdout).strip()
    if said == "PONG":
        return "up"
    if said.startswith("LOADING"):
        return "loading"
    # 124 is timeout's own: a server that hangs takes the connection and says nothing.
    if done.rc == 124 or "Could not connect" in str(done.stderr) + said:
        return "down"
    raise CannotLook(_complaint(instance, done))


@look
def redis_memory_use(host: Any) -> dict[str, float]:
    """Return how much of its memory each instance uses, in percent: of maxmemory, or without it of the host's."""
    found = {}
    for name, told in _all_told(host).items():
        limit = _figure(told, "maxmemory") or _figure(told, "total_system_memory")
        found[name] = percent(_figure(told, "used_memory"), limit)
    return found


@look
def redis_client_use(host: Any) -> dict[str, float]:
    """Return how many of its clients each instance has let in, in percent."""
    told = _all_told(host)
    return {name: percent(_figure(own, "connected_clients"), _figure(own, "maxclients")) for name, own in told.items()}


@look
def redis_per_hour(host: Any, *, counter: str) -> dict[str, Counted]:
    """Return what a counter of each instance has come to: how much it grows an hour is told from two looks."""
    return {
        name: Counted(total=_figure(own, counter), up_s=_figure(own, "uptime_in_seconds"))
        for name, own in _all_told(host).items()
    }


@look
def redis_blocked_clients(host: Any) -> dict[str, float]:
    """Return how many clients of each instance wait for something that nobody writes."""
    return {name: _figure(own, "blocked_clients") for name, own in _all_told(host).items()}


@look
def redis_primary_link(host: Any) -> dict[str, str]:
    """Return for each replica whether the line to its primary is `up` or `down`."""
    found = {name: own["master_link_status"] for name, own in _all_told(host).items() if "master_link_status" in own}
    if not found:
        raise NotApplicable("no replica is here")
    return found


@look
def redis_replica_lag(host: Any) -> dict[str, float]:
    """Return for each replica of a primary the seconds since it last reported; one that is not online yet is refused.

    Source: `slaveN` of INFO replication. Raises CannotLook while a replica is being copied to: it has no lag yet.
    """
    found = {}
    for name, own in _all_told(host).items():
        for said in (value for key, value in own.items() if re.fullmatch(r"slave\d+", key)):
            replica = _REPLICA.match(said)
            if not replica or replica["state"] != "online":
                raise CannotLook(f"{name}: a replica is not online yet: {said[:80]}")
            found[f"{name} {replica['ip']}:{replica['port']}"] = float(replica["lag"])
    if not found:
        raise NotApplicable("no instance has replicas")
    return found


@look
def redis_save_status(host: Any) -> dict[str, str]:
    """Return whether each instance's last save to the disk went well: ok or err."""
    return {name: _said(own, "rdb_last_bgsave_status") for name, own in _all_told(host).items()}


@look
def redis_unsaved_minutes(host: Any) -> dict[str, float]:
    """Return for how many minutes each instance that saves has held changes which the disk does not; else 0."""
    now, found = now_s(host), {}
    for instance in _instances(host):
        if not "".join(lines(_ask(host, instance, "config", "get", "save"))[1:]):
            continue
        own = _told(host, instance)
        since = (now - _figure(own, "rdb_last_save_time")) / 60
        found[instance.name] = round(since, 1) if _figure(own, "rdb_changes_since_last_save") else 0.0
    if not found:
        raise NotApplicable("no instance saves its data by time")
    return found


@look
def redis_append_status(host: Any) -> dict[str, str]:
    """Return for each instance with an append-only file `ok`, or which of writing and rewriting it failed."""
    found = {}
    for name, own in _all_told(host).items():
        if _said(own, "aof_enabled") == "1":
            checked = {"write": "aof_last_write_status", "rewrite": "aof_last_bgrewrite_status"}
            failed = [verb for verb, key in checked.items() if _said(own, key) != "ok"]
            found[name] = ", ".join(f"{verb} failed" for verb in failed) or "ok"
    if not found:
        raise NotApplicable("no instance keeps an append-only file")
    return found


def _instances(host: Any) -> list[Instance]:
    found = []
    for unit in used_units(host, UNITS):
        started = read(host, "systemctl show -p ExecStart -p MainPID %s", unit)
        pid = re.search(r"^MainPID=(\d+)$", started, re.M)
        path = re.search(r"argv\[\]=\S+ (/\S+\.conf)", started)
        if not path:
            raise CannotLook(f"{unit} names no configuration file")
        found.append(Instance(name=unit.removesuffix(".service"), configuration=path[1], pid=pid[1] if pid else ""))
    if not found and runs(host, "redis-server"):
        raise CannotLook("redis-server runs here, but no unit of systemd started it: it cannot be asked")
    if not found:
        raise NotApplicable("Redis is not in use here")
    return found


def _run(host: Any, instance: Instance, *words: str) -> Any:
    return host.run(f"sh -c %s redis %s{' %s' * len(words)}", ASK, instance.configuration, *words)


def _complaint(instance: Instance, done: Any) -> str:
    said = lines(f"{done.stderr}\n{done.stdout}")
    return f"{instance.name}: {said[0][:200] if said else f'redis-cli answered {done.rc}'}"


def _ask(host: Any, instance: Instance, *words: str) -> str:
    """Return an answer. An error's text comes on standard output, and begins with a word of capitals."""
    done = _run(host, instance, *words)
    if done.rc != 0 or re.match(r"[A-Z]{3,} ", str(done.stdout)):
        raise CannotLook(_complaint(instance, done))
    return str(done.stdout)


def _told(host: Any, instance: Instance) -> dict[str, str]:
    """Return what INFO says, by name: one question for every item that asks for one of them."""
    rows = (line.strip().partition(":") for line in _ask(host, instance, "info").splitlines())
    return {name: value for name, colon, value in rows if colon}


def _all_told(host: Any) -> dict[str, dict[str, str]]:
    return {instance.name: _told(host, instance) for instance in _instances(host)}


def _said(told: dict[str, str], name: str) -> str:
    if name not in told:
        raise CannotLook(f"this server says nothing of {name}")
    return told[name]


def _figure(told: dict[str, str], name: str) -> float:
    return number(_said(told, name), name)
