"""Tomcat at work: every instance, seen from its process, its configuration, its logs and its sockets.

Nothing is installed into it and nothing is attached to it: no manager, no JMX, no agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection import java
from checks.inspection.certificates import served_certificate_days
from checks.inspection.interfaces import http_status
from checks.inspection.marking import look
from checks.inspection.reading import lines, number, open_file_use, percent, used_units
from checks.inspection.web_logs import failed_share, hours_ago, log_files

UNITS = "systemctl list-units --all --plain --no-legend --type=service 'tomcat*'"
# The bracket keeps the shell that runs this from finding itself.
PROCESSES = "pgrep --ns 1 --nslist pid -f '[o]rg.apache.catalina.startup.Bootstrap'"
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# A connector's thread that accepts, and the one that polls; they do no work of requests.
_OVERHEAD = 2
# Java writes levels, and Tomcat its messages, in the language of the process: of these, the first is English.
_SEVERE = "SEVERE|严重|嚴重|重大|심각|SCHWERWIEGEND|GRAVE"
_OTHERS = (
    "WARNING|INFO|CONFIG|FINE|FINER|FINEST|警告|信息|資訊|情報|경고|정보"
    "|WARNUNG|INFORMATION|AVERTISSEMENT|INFOS|ADVERTENCIA|INFORMACIÓN|AVVERTENZA|INFORMAZIONI|INFORMAÇÕES"
)
_LEVEL = f"(^| )({_SEVERE}|{_OTHERS})[ :]"
# Lines, lines whose level is known, and lines that are wanted and not older than `since`. A record begins with
# `30-Nov-2026 08:30:00.123`, and what follows it is as old as it; one whose month is in a language unknown here is not
# called old.
_COUNT = """
BEGIN {split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names); for (m in names) month[names[m]] = m}
$1 ~ /^[0-9]+-[^-]+-[0-9]+$/ && $2 ~ /^[0-9]+:[0-9]+:/ {
  split($1, date, "-"); m = date[2] in month ? month[date[2]] : date[2] + 0
  old = m && sprintf("%04d-%02d-%02d %s", date[3], m, date[1], $2) < since
}
$0 ~ known {k++}
$0 ~ wanted && !old {n++}
END {print NR, k + 0, n + 0}
"""
# What happens to applications is followed in these languages.
_SPOKEN = "(^| )(SEVERE|WARNING|INFO|严重|信息)[ :]"
_OF_APPLICATIONS = (
    "Server version name|startup failed due to|Undeploying context|Reloading Context with name"
    "|Server.服务器版本|启动失败|正在取消部署上下文|已开始重新加载"
)
_NO_HTTP = "no instance has a connector for HTTP"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One Tomcat: its unit's name or its directory, and its process where it runs."""

    name: str
    base: str
    pid: str | None


@dataclass(frozen=True, kw_only=True)
class Connector:
    """What listens for HTTP in one instance."""

    instance: Instance
    address: str
    port: str
    is_tls: bool
    attributes: dict[str, str]

    @property
    def name(self) -> str:
        """Its instance and port."""
        return f"{self.instance.name} {self.port}"


@look
def tomcat_running(host: Any) -> dict[str, str]:
    """Return for each instance `up` where it runs and all its connectors listen, else what does not."""
    instances = _instances(host)
    listening = {line.split()[3].rpartition(":")[2] for line in lines(read(host, "ss -H -ltn"))}
    found = {}
    for instance in instances:
        closed = [each.port for each in _connectors(host, instance) if each.port not in listening]
        said = f"not listening on {', '.join(closed)}" if closed else "up"
        found[instance.name] = said if instance.pid else "down"
    return found


@look
def tomcat_http(host: Any) -> dict[str, float]:
    """Return the status that each connector answers for its first page, 0 where nothing answers."""
    found = {}
    for each in _all_connectors(host):
        url = f"{'https' if each.is_tls else 'http'}://{each.address}:{each.port}/"
        found[each.name] = next(iter(http_status(host, urls=[url]).values()))
    if not found:
        raise NotApplicable(_NO_HTTP)
    return found


@look
def tomcat_thread_use(host: Any) -> dict[str, float]:
    """Return how many of the threads that may serve requests each instance has, in percent.

    Tomcat adds a thread only when all are busy, and lets those go that have had nothing to do for a minute.
    Source: the names of the process's threads, and maxThreads of its connectors (200 where they say nothing).
    """
    found = {}
    for instance in _running(host):
        connectors = _connectors(host, instance)
        if not connectors:
            continue
        if any("executor" in each.attributes for each in connectors):
            raise CannotLook(f"{instance.name}: its connectors share an executor, whose threads are not told apart")
        names = lines(read(host, "cat /proc/%s/task/*/comm", instance.pid or ""))
        workers = sum(name.startswith(("http-", "https-")) for name in names) - _OVERHEAD * len(connectors)
        if workers < 0:
            raise CannotLook(f"{instance.name}: the threads of its connectors cannot be told by their names")
        most = sum(number(each.attributes.get("maxThreads", "200"), "maxThreads") for each in connectors)
        found[instance.name] = percent(workers, most)
    if not found:
        raise NotApplicable(_NO_HTTP)
    return found


@look
def tomcat_heap_use(host: Any) -> dict[str, float]:
    """Return how full the old generation of each instance's heap is, in percent: what no collection could free."""
    told = {instance.name: java.counters(host, instance.pid or "") for instance in _running(host)}
    return {name: percent(*java.old_generation_use(own)) for name, own in told.items()}


@look
def tomcat_collecting(host: Any, *, seconds: int) -> dict[str, float]:
    """Return which share of the time between two looks each instance's collectors took, in percent."""
    instances = _running(host)
    before = {each.name: java.counters(host, each.pid or "") for each in instances}
    host.run("sleep %s", str(seconds), memo=False)
    after = {each.name: java.counters(host, each.pid or "", memo=False) for each in instances}
    found = {}
    for name, now in after.items():
        then = before[name]
        passed = now["sun.os.hrt.ticks"] - then["sun.os.hrt.ticks"]
        found[name] = percent(java.collecting_ticks(now) - java.collecting_ticks(then), passed)
    return found


@look
def tomcat_open_files(host: Any) -> dict[str, float]:
    """Return how many of its file descriptors each instance has open, in percent."""
    return {instance.name: open_file_use(host, instance.pid or "") for instance in _running(host)}


@look
def tomcat_errors(host: Any, *, hours: int) -> dict[str, float]:
    """Return how many lines of the class SEVERE each instance has logged in the last hours, by their own time."""
    return {each.name: _counted(host, each, f"(^| )({_SEVERE})[ :]", hours) for each in _instances(host)}


@look
def tomcat_out_of_memory(host: Any, *, hours: int) -> dict[str, float]:
    """Return how often each instance ran out of memory in the last hours, by what it logged and when."""
    return {each.name: _counted(host, each, "java[.]lang[.]OutOfMemoryError", hours) for each in _instances(host)}


def _counted(host: Any, instance: Instance, wanted: str, hours: int) -> float:
    if not _logs(host, instance, ("catalina.*.log",)):
        raise CannotLook(f"{instance.name}: no catalina log lies in {instance.base}/logs")
    paths = _logs(host, instance, ("catalina.*.log", "localhost.*.log"), f"-mmin -{60 * hours}")
    since = hours_ago(host, hours, "%Y-%m-%d %H:%M:%S")
    return sum(_lines_of(host, instance, wanted, path, since=since) for path in paths)


def _lines_of(host: Any, instance: Instance, wanted: str, path: str, *, known: str = _LEVEL, since: str = "") -> float:
    told = read(host, "awk -v known=%s -v wanted=%s -v since=%s %s %s", known, wanted, since, _COUNT, path).split()
    held, told_apart, found = (number(each, "a count") for each in told)
    if held and not told_apart:
        raise CannotLook(f"{instance.name}: {path} has no line whose level is known: another language, or no such log")
    return found


@look
def tomcat_failed_applications(host: Any) -> dict[str, list[str]]:
    """Return the applications of each instance that did not start, by what its log says since its own start."""
    found = {}
    for instance in _running(host):
        failed: set[str] = set()
        for path in _logs(host, instance, ("catalina.*.log",)):
            _lines_of(host, instance, _SPOKEN, path, known=_SPOKEN)
            for line in lines(read(host, "grep -E %s %s || test $? = 1", _OF_APPLICATIONS, path)):
                _follow(line, failed)
        found[instance.name] = sorted(failed)
    return found


def _follow(line: str, failed: set[str]) -> None:
    """Take over what one line of the log says of applications; the root application's name is empty."""
    named = re.search(r"(?:(?:Context|context|name) |Context|上下文|名为)\[([^\]]*)\]", line)
    if "Server version name" in line or "Server.服务器版本" in line:
        failed.clear()
    elif named and ("startup failed" in line or "启动失败" in line):
        failed.add(named[1] or "/")
    elif named and any(sign in line for sign in ("Undeploying", "has started", "正在取消部署", "已开始重新加载")):
        failed.discard(named[1] or "/")


@look
def tomcat_failures(host: Any, *, minutes: int, last: int = 1000, least: int = 20) -> dict[str, float]:
    """Return the share of answers with a status of 500 or more of each instance in the last minutes, in percent.

    Of its last requests alone, by the log's own time; fewer than `least` say nothing of a share. Tomcat writes them
    down some ten seconds late.
    """
    found, idle = {}, []
    for instance in _instances(host):
        kept = _logs(host, instance, ("*access_log*",))
        if not kept:
            raise CannotLook(f"{instance.name}: no access log lies in {instance.base}/logs")
        what = f"{instance.name}: its access log"
        try:
            found[instance.name] = failed_share(host, kept, minutes=minutes, last=last, least=least, what=what)
        except NotApplicable as nothing:
            idle.append(nothing)
    if not found:
        raise idle[0]
    return found


@look
def tomcat_certificate_days(host: Any) -> dict[str, float]:
    """Return the days until the certificate ends that each connector with TLS really serves."""
    served = [each for each in _all_connectors(host) if each.is_tls]
    if not served:
        raise NotApplicable("no connector speaks TLS")
    days = {each.name: served_certificate_days(host, peers=[f"{each.address}:{each.port}"]) for each in served}
    return {name: next(iter(found.values())) for name, found in days.items()}


def _instances(host: Any) -> list[Instance]:
    """Return the instances that a unit of systemd stands for, and those that somebody else started."""
    found = []
    for unit in used_units(host, UNITS):
        shown = read(host, "systemctl show -p MainPID -p Environment %s", unit)
        pid = re.search(r"^MainPID=(\d+)$", shown, re.M)
        base = re.search(r"\bCATALINA_BASE=([^\s\"]+)", shown)
        running = pid[1] if pid and pid[1] != "0" else None
        name = unit.removesuffix(".service")
        found.append(Instance(name=name, base=base[1] if base else _base(host, running, name), pid=running))
    others = host.run(PROCESSES)
    if others.rc not in (0, 1):
        raise CannotLook(f"pgrep answered {others.rc}")
    known = {instance.pid for instance in found}
    for pid_alone in (line for line in lines(str(others.stdout)) if line not in known):
        base_alone = _base(host, pid_alone, pid_alone)
        found.append(Instance(name=base_alone, base=base_alone, pid=pid_alone))
    if not found:
        raise NotApplicable("Tomcat is not in use here")
    return found


def _base(host: Any, pid: str | None, name: str) -> str:
    words = read(host, "tr '\\0' '\\n' < /proc/%s/cmdline", pid) if pid else ""
    for option in ("-Dcatalina.base=", "-Dcatalina.home="):
        for word in lines(words):
            if word.startswith(option):
                return word.removeprefix(option)
    raise CannotLook(f"where the Tomcat {name} has its configuration is not known")


def _running(host: Any) -> list[Instance]:
    """Return the instances. Raises CannotLook where one does not run: tomcat_running says so."""
    found = _instances(host)
    for instance in found:
        if instance.pid is None:
            raise CannotLook(f"{instance.name} does not run")
    return found


def _connectors(host: Any, instance: Instance) -> list[Connector]:
    text = re.sub(r"<!--.*?-->", "", read(host, "cat %s/conf/server.xml", instance.base), flags=re.S)
    found = []
    for tag in re.findall(r"<Connector\s([^>]*)>", text):
        attributes = {name: double or single for name, double, single in _ATTRIBUTE.findall(tag)}
        port, protocol = attributes.get("port", ""), attributes.get("protocol", "HTTP/1.1")
        if not port.isdigit():
            raise CannotLook(f"{instance.name}: the port of a connector is {port!r}, which only Tomcat can resolve")
        if "AJP" not in protocol.upper() and port != "0":
            address = attributes.get("address", "")
            found.append(
                Connector(
                    instance=instance,
                    address="127.0.0.1" if address in ("", "0.0.0.0", "::") else address,  # noqa: S104
                    port=port,
                    is_tls=attributes.get("SSLEnabled", "").lower() == "true",
                    attributes=attributes,
                )
            )
    return found


def _all_connectors(host: Any) -> list[Connector]:
    return [each for instance in _instances(host) for each in _connectors(host, instance)]


def _logs(host: Any, instance: Instance, patterns: tuple[str, ...], newer: str = "") -> list[str]:
    """Return the paths of log files, the oldest first."""
    if host.run("test -d %s/logs/", instance.base).rc != 0:
        raise CannotLook(f"{instance.name} has no directory {instance.base}/logs")
    return log_files(host, f"{instance.base}/logs", patterns, newer=newer)
