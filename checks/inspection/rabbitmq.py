"""RabbitMQ at work, asked through its own command-line tools as the system's root. No message is ever read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import NOT_PACKED, lines, needs_unit, number, open_file_use, percent

UNIT = "rabbitmq-server.service"
RUNNING = "timeout 30 rabbitmq-diagnostics -q check_running"
STATUS = "rabbitmq-diagnostics -q status --formatter json"
CLUSTER = "rabbitmq-diagnostics -q cluster_status --formatter json"
VHOSTS = "rabbitmqctl -q list_vhosts name --formatter json"
QUEUES = (
    "date +%%s.%%N; rabbitmqctl -q list_queues -p %s name messages_ready messages_unacknowledged consumers"
    " --formatter json"
)
CONNECTIONS = "rabbitmqctl -q list_connections pid state --formatter json"
LOGS = "/var/log/rabbitmq"
COUNT_ERRORS = r"""
/^[0-9-]+ [0-9:.]+[^ ]* \[(error|critical|alert|emergency)\]/ && substr($0, 1, 19) >= since {n++}
END {print n + 0}
"""
# What the tools say where the node or the broker in it does not run. Their advice for every failure speaks of a node
# that is not running, too: where they were only refused, that is no proof.
_DOWN = re.compile(
    r"RabbitMQ on node \S+ is not running|node '[^']*' not running at all|unable to connect to epmd"
    r"|requires the 'rabbit' app to be running"
)
_REFUSED = "Erlang distribution failed"
_HUNG = 124
_HELD_BACK = ("blocked", "blocking", "flow")


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One queue at a moment, in the node's own seconds."""

    name: str
    at_s: float
    ready: float
    unacknowledged: float
    consumers: float


@look
def rabbitmq_available(host: Any) -> str:
    """Return `up` where the node and the broker in it run, else `down`."""
    needs_unit(host, UNIT)
    done = host.run(RUNNING)
    if done.rc == 0:
        return "up"
    if done.rc == _HUNG or _DOWN.search(str(done.stderr) + str(done.stdout)):
        return "down"
    raise CannotLook(_complaint(done))


@look
def rabbitmq_alarms(host: Any) -> list[str]:
    """Return the alarms in force: while there is one, nobody can publish."""
    return sorted(_alarm(alarm) for alarm in _json(host, STATUS)["alarms"])


def _alarm(alarm: Any) -> str:
    if isinstance(alarm, dict):
        return " ".join(str(alarm[key]) for key in ("resource", "node", "type") if key in alarm)
    return str(alarm)


@look
def rabbitmq_memory_use(host: Any) -> float:
    """Return how near the node is to the memory at which it stops its publishers, in percent."""
    told = _json(host, STATUS)
    total = told["memory"]["total"]
    used = total[told["memory"]["strategy"]] if isinstance(total, dict) else total
    return percent(float(used), float(told["vm_memory_high_watermark_limit"]))


@look
def rabbitmq_disk_room(host: Any) -> float:
    """Return how many times the free space is at which the node stops its publishers the disk has now."""
    told = _json(host, STATUS)
    free, limit = told["disk_free"], told["disk_free_limit"]
    if not isinstance(free, int | float) or not isinstance(limit, int | float) or limit <= 0:
        raise CannotLook(f"the node does not know its disk: {free!r} of {limit!r}")
    return round(free / limit, 1)


@look
def rabbitmq_queue_length(host: Any) -> dict[str, float]:
    """Return how many messages of each queue wait for somebody to take them."""
    return {queue.name: queue.ready for queue in _queues(host)}


@look
def rabbitmq_queue_growth(host: Any, *, seconds: int) -> dict[str, float]:
    """Return by how many messages a minute each queue grew between two looks; one that shrinks is 0."""
    before = {queue.name: queue for queue in _queues(host)}
    host.run("sleep %s", str(seconds), memo=False)
    found = {}
    for now in _queues(host, memo=False):
        then = before.get(now.name)
        if then is not None and now.at_s > then.at_s:
            grown = now.ready + now.unacknowledged - then.ready - then.unacknowledged
            found[now.name] = max(0.0, round(60 * grown / (now.at_s - then.at_s), 1))
    if not found:
        raise CannotLook("no queue was there at both looks")
    return found


@look
def rabbitmq_unacknowledged(host: Any) -> dict[str, float]:
    """Return how many messages of each queue somebody has taken and not acknowledged."""
    return {queue.name: queue.unacknowledged for queue in _queues(host)}


@look
def rabbitmq_queues_unread(host: Any) -> list[str]:
    """Return the queues that hold messages and have no consumer."""
    return sorted(queue.name for queue in _queues(host) if queue.ready > 0 and queue.consumers == 0)


@look
def rabbitmq_connections(host: Any) -> float:
    """Return how many connections the node holds."""
    return float(len(_json(host, CONNECTIONS)))


@look
def rabbitmq_held_back(host: Any) -> float:
    """Return how many connections the node holds back: blocked by an alarm, or slowed down as it cannot keep up."""
    return float(sum(row["state"] in _HELD_BACK for row in _json(host, CONNECTIONS)))


@look
def rabbitmq_open_files(host: Any) -> float:
    """Return how many of its file descriptors the node has open, in percent."""
    return open_file_use(host, str(_json(host, STATUS)["pid"]))


@look
def rabbitmq_nodes_down(host: Any) -> list[str]:
    """Return the nodes of the cluster that do not run."""
    told = _json(host, CLUSTER)
    return sorted({*told["disk_nodes"], *told["ram_nodes"]} - set(told["running_nodes"]))


@look
def rabbitmq_partitions(host: Any) -> list[str]:
    """Return which node has parted from which: each side goes on for itself, and messages are lost when they rejoin."""
    parted = _json(host, CLUSTER)["partitions"]
    return sorted(f"{node} from {', '.join(sorted(others))}" for node, others in parted.items() if others)


@look
def rabbitmq_errors(host: Any, *, hours: int) -> float:
    """Return how many lines of the class error or worse the node has logged in the last hours."""
    needs_unit(host, UNIT)
    # Rotated every day by some: what was compressed is older than a rotation.
    paths = lines(read(host, f"find %s -type f -name '*@*.log*' {NOT_PACKED}", LOGS))
    if not paths:
        raise CannotLook(f"no node logs to {LOGS}")
    since = read(host, "date -d %s '+%%Y-%%m-%%d %%H:%%M:%%S'", f"-{hours} hours").strip()
    return sum(number(read(host, "awk -v since=%s %s %s", since, COUNT_ERRORS, path), "a count") for path in paths)


def _queues(host: Any, *, memo: bool = True) -> list[Queue]:
    found = []
    vhosts = [row["name"] for row in _json(host, VHOSTS)]
    for vhost in vhosts:
        done = host.run(QUEUES, vhost, memo=memo)
        if done.rc != 0:
            raise CannotLook(_complaint(done))
        at, _, listed = str(done.stdout).partition("\n")
        for row in json.loads(listed):
            name = row["name"] if vhost == "/" else f"{vhost}/{row['name']}"
            counts = [row[key] for key in ("messages_ready", "messages_unacknowledged", "consumers")]
            if not all(isinstance(count, int) for count in counts):
                raise CannotLook(f"queue {name} does not answer: it has no leader")
            ready, unacknowledged, consumers = map(float, counts)
            found.append(
                Queue(
                    name=name,
                    at_s=number(at, "the time"),
                    ready=ready,
                    unacknowledged=unacknowledged,
                    consumers=consumers,
                )
            )
    if not found:
        raise NotApplicable("there is no queue")
    return found


def _json(host: Any, command: str) -> Any:
    needs_unit(host, UNIT)
    done = host.run(command)
    if done.rc != 0:
        raise CannotLook(_complaint(done))
    try:
        return json.loads(str(done.stdout))
    except ValueError:
        raise CannotLook(f"`{command[:40]}` answered no JSON: {str(done.stdout).strip()[:80]!r}") from None


def _complaint(done: Any) -> str:
    """Return the first thing the tools said; what follows is advice, and hashes of cookies."""
    if _REFUSED in str(done.stderr):
        return "the node takes connections and tells its tools nothing: their Erlang cookie differs, or it hangs"
    said = [line for line in lines(f"{done.stderr}\n{done.stdout}") if line != "Error:"]
    return said[0].removeprefix("Error: ")[:200] if said else f"the tools answered {done.rc}"
