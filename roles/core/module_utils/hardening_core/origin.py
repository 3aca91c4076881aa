"""Who changed a resource, as far as the host can tell: the time, owner, package, another campaign, the logins."""

from __future__ import annotations

import os
import pwd
import re
import time
from typing import Collection, Dict, List, Optional

from .host import STATE_DIRECTORY, Host
from .journal import Journal

LOGINS_BEFORE_S, LOGINS_AFTER_S = 900, 60
SHOWN = 5
# How the commands of our own looks end; those of Ansible say BECOME-SUCCESS.
OUR_OWN = ("/sh -s", "/usr/bin/true")
PACKAGE_VERBS = ("install", "upgrade", "remove", "purge", "configure")


class Origins:
    """What a host tells of the changes since a moment; each source is read once."""

    def __init__(self, host: Host, *, since_s: float, known: Collection[str]) -> None:
        self.host, self.since_s, self.known = host, since_s, set(known)
        self._packages: Optional[List[str]] = None
        self._campaigns: Optional[Dict[str, List[str]]] = None

    def of(self, kind: str, name: str) -> List[str]:
        """Return sentences, the surest first; empty where nothing can be told."""
        if kind == "file":
            said = self._file(name)
        elif kind == "package":
            said = self._of_package(name.split(":")[0])
        elif kind == "unit":
            said = self._unit(name)
        else:
            said = []
        campaigns = self._by_campaign().get(kind + ":" + name, [])
        return [*["written by campaign {}".format(campaign) for campaign in campaigns[:SHOWN]], *said]

    def _file(self, name: str) -> List[str]:
        path = self.host.path(name)
        try:
            status = os.lstat(path)
        except OSError:
            moment = self._mtime(os.path.dirname(path))
            said = ["it is gone" + (", and its directory changed at " + utc(moment) if moment else "")]
        else:
            # The change time cannot be set back as the modification time can.
            moment = status.st_ctime
            said = ["changed at {}, owner {}".format(utc(moment), owner(status.st_uid))]
        package = self._package_of(name)
        if package:
            said.append("belongs to package " + package)
            said += self._of_package(package)
        return said + (self._logins(moment) if moment and moment >= self.since_s else [])

    def _unit(self, name: str) -> List[str]:
        said = self.host.run(["systemctl", "show", "-p", "StateChangeTimestamp", "--", name]).out.strip()
        when = said.partition("=")[2]
        return ["its state changed at " + when] if when else []

    @staticmethod
    def _mtime(path: str) -> Optional[float]:
        try:
            return os.lstat(path).st_mtime
        except OSError:
            return None

    def _package_of(self, name: str) -> str:
        ran = self.host.run(["dpkg-query", "-S", name])
        found = re.match(r"^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9]+)?: /", ran.out)
        return found.group(1) if ran.rc == 0 and found else ""

    def _of_package(self, package: str) -> List[str]:
        lines = [line for line in self._dpkg_log() if line.split()[3].split(":")[0] == package]
        return ["dpkg: " + line for line in lines[-SHOWN:]]

    def _dpkg_log(self) -> List[str]:
        """Return what dpkg did since, as `2026-11-29 17:00:01 upgrade nginx:amd64 1.22 1.24`, in local time."""
        if self._packages is None:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since_s))
            self._packages = []
            for name in ("/var/log/dpkg.log.1", "/var/log/dpkg.log"):
                try:
                    with open(self.host.path(name), encoding="utf-8", errors="replace") as file:
                        lines = [line.strip() for line in file]
                except OSError:
                    continue
                self._packages += [
                    line
                    for line in lines
                    if line[:19] >= since and len(line.split()) > 3 and line.split()[2] in PACKAGE_VERBS
                ]
        return self._packages

    def _by_campaign(self) -> Dict[str, List[str]]:
        """Return which other campaigns wrote each resource since, by their journals on this host."""
        if self._campaigns is None:
            self._campaigns = {}
            directory = self.host.path(STATE_DIRECTORY + "/journal")
            for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
                campaign, dot, kind = entry.rpartition(".")
                path = os.path.join(directory, entry)
                if kind != "jsonl" or not dot or campaign in self.known or os.lstat(path).st_mtime < self.since_s:
                    continue
                for event in Journal(directory, campaign).read():
                    for touch in event.get("touches") or ():
                        writers = self._campaigns.setdefault("{}:{}".format(touch["kind"], touch["name"]), [])
                        if campaign not in writers:
                            writers.append(campaign)
        return self._campaigns

    def _logins(self, moment: float) -> List[str]:
        """Return who logged in, and what was run through sudo, around a moment; empty where no journal is kept."""
        span = ["--since=@" + str(int(moment) - LOGINS_BEFORE_S), "--until=@" + str(int(moment) + LOGINS_AFTER_S)]
        names = ["-t", "sshd", "-t", "sshd-session", "-t", "login", "-t", "sudo", "-t", "su"]
        ran = self.host.run(["journalctl", "-q", "--no-pager", "-o", "cat", *span, *names])
        found: Dict[str, None] = {}
        for line in ran.out.splitlines():
            login = re.match(r"^Accepted \S+ for (\S+) from (\S+)", line)
            command = re.match(r"^\s*(\S+) : .*COMMAND=(.*)$", line)
            if login:
                found["login of {} from {}".format(*login.groups())] = None
            elif command and not command.group(2).endswith(OUR_OWN) and "BECOME-SUCCESS" not in command.group(2):
                found["sudo of {}: {}".format(command.group(1), command.group(2)[:80])] = None
        return ["around then: " + ", ".join(list(found)[-SHOWN:])] if found else []


def utc(moment: float) -> str:
    """Return a moment as 2026-11-29T17:00:01Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def owner(uid: int) -> str:
    """Return the name of an account, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
