"""Debian packages. State: `{"status": "installed" | "config-files" | "absent" | ..., "version", "auto"}`.

What leaves is kept as a .deb below /var/lib/hardening/debs first, so that the very version can come back even when no
repository has it any more; where it cannot be had, the removal is refused before anything is removed.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..control import State
from ..errors import CannotApply
from ..host import STATE_DIRECTORY
from ..store import make_private_directory
from .base import Resource

APT = [
    "apt-get",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "APT::Get::AutomaticRemove=false",
]
DEBS = STATE_DIRECTORY + "/debs"
ABSENT: State = {"status": "absent", "version": None, "auto": False}
TIMEOUT_S = 900


class Simulated(NamedTuple):
    """What apt would do: names, and for installs the version."""

    installs: Dict[str, str]
    upgrades: List[str]
    removals: List[str]


class PackageResource(Resource):
    """One package, by its name."""

    kind = "package"
    rank = 10
    together = True

    def read(self, name: str) -> State:
        """Look it up in dpkg's list, which is asked once."""
        if not re.match(r"^[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?$", name):
            raise CannotApply(repr(name) + " is no package name")
        listed = self.host.ask_once(
            ["dpkg-query", "-W", "-f", "${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\n"]
        )
        if listed.rc != 0:
            raise CannotApply("dpkg cannot list packages: " + listed.said)
        for line in listed.out.splitlines():
            package, architecture, status, version = line.split("\t")
            if name in (package, package + ":" + architecture) and status != "not-installed":
                return {
                    "status": status,
                    "version": version,
                    "auto": status == "installed" and package in self._automatic(),
                }
        return dict(ABSENT)

    def holds(self, present: State, wanted: State) -> bool:
        """Compare; a removed package that has no configuration files leaves nothing to be remembered by."""
        if wanted["status"] == "config-files" and present["status"] == "absent":
            return True
        return super().holds(present, wanted)

    def write(self, name: str, present: State, wanted: State) -> None:
        """Write one package."""
        self.write_together([(name, present, wanted)])

    def prepare(self, name: str, present: State, wanted: State) -> None:
        """Have the .deb of what is going to leave at hand."""
        if present["status"] == "installed" and (
            wanted["status"] != "installed" or wanted["version"] != present["version"]
        ):
            self.keep(name, present["version"])

    def write_together(self, items: Sequence[Tuple[str, State, State]]) -> None:
        """Remove, purge and install, each in one go, so that packages that need one another come and go together."""
        self.host.forget()
        leaving = [
            name
            for name, present, wanted in items
            if present["status"] == "installed" and wanted["status"] == "config-files"
        ]
        purged = [
            name for name, present, wanted in items if present["status"] != "absent" and wanted["status"] == "absent"
        ]
        for verb, names in (("remove", leaving), ("purge", purged)):
            if names:
                refuse_company(self.simulate(verb, names), names)
                self.host.must([*APT, "-y", verb, *names], timeout_s=TIMEOUT_S)
        coming = [
            (name, str(wanted["version"]))
            for name, present, wanted in items
            if wanted["status"] == "installed"
            and (present["status"], present["version"]) != ("installed", wanted["version"])
        ]
        if coming:
            wanted_names = [self._kept(name, version) or name + "=" + version for name, version in coming]
            argv = [*APT, "-y", "--no-install-recommends", "--allow-downgrades", "install", *wanted_names]
            self.host.must(argv, timeout_s=TIMEOUT_S)
        self.host.forget()
        for name, _, wanted in items:
            if wanted["status"] == "installed" and self.read(name)["auto"] != wanted["auto"]:
                self.host.must(["apt-mark", "auto" if wanted["auto"] else "manual", name])
        self.host.forget()

    def beyond_undo(self, name: str, before: State, after: State) -> str:
        """A removed package comes back in its version; what its scripts clear away, and purged data, do not."""
        if before["status"] == "installed" and after["status"] == "absent":
            return "package " + name + ": its configuration and data are purged"
        if before["status"] == "installed" and after["status"] != "installed":
            return "package " + name + ": what its removal scripts clear away, such as generated files and caches"
        if before["status"] == "absent" and after["status"] == "installed":
            return "package " + name + ": what it writes while it is installed is purged with it"
        return ""

    def simulate(self, verb: str, names: Sequence[str]) -> Simulated:
        """Ask apt what it would do."""
        ran = self.host.ask_once(["apt-get", "-s", "--no-install-recommends", verb, *sorted(names)])
        if ran.rc != 0:
            errors = [line for line in (ran.err + ran.out).splitlines() if line.startswith("E:")]
            raise CannotApply(
                "apt cannot " + verb + " " + " ".join(names) + ": " + (errors[0][3:] if errors else ran.said)
            )
        installs: Dict[str, str] = {}
        upgrades, removals = [], []
        for line in ran.out.splitlines():
            found = re.match(r"^(Inst|Remv|Purg) (\S+)(?: \[(\S+)\])?(?: \((\S+))?", line)
            if found is None:
                continue
            what, name, old, new = found.groups()
            if what in ("Remv", "Purg"):
                removals.append(name)
            elif old:
                upgrades.append(name)
            else:
                installs[name] = new
        return Simulated(installs, upgrades, removals)

    def obtainable(self, name: str, version: str) -> bool:
        """Tell whether this very version is kept, cached or in a repository's list."""
        if self._kept(name, version):
            return True
        listed = self.host.ask_once(["apt-cache", "madison", name]).out
        return any(line.split("|")[1].strip() == version for line in listed.splitlines() if line.count("|") >= 2)

    def keep(self, name: str, version: str) -> None:
        """Have the .deb of this version in our own directory; raise CannotApply where it cannot be had."""
        if self._kept(name, version):
            return
        directory = self.host.path(DEBS)
        try:
            make_private_directory(directory)
        except OSError as error:
            raise CannotApply("{} cannot be made: {}".format(directory, error.strerror)) from None
        script = 'cd "$1" && exec apt-get -q -o APT::Sandbox::User=root download "$2"'
        ran = self.host.run(["/bin/sh", "-c", script, "sh", directory, name + "=" + version], timeout_s=TIMEOUT_S)
        if ran.rc != 0 or not self._kept(name, version):
            raise CannotApply(
                "{} {} could not be put back, as its package cannot be had: {}; so it is not removed".format(
                    name, version, ran.said
                )
            )

    def _kept(self, name: str, version: str) -> Optional[str]:
        """Return the path of the .deb; apt writes a colon in a version as %3a."""
        stem = name.split(":")[0] + "_" + version.replace(":", "%3a") + "_"
        for directory in (DEBS, "/var/cache/apt/archives"):
            for path in sorted(glob.glob(glob.escape(os.path.join(self.host.path(directory), stem)) + "*.deb")):
                return path
        return None

    def _automatic(self) -> Set[str]:
        return {line.split(":")[0] for line in self.host.ask_once(["apt-mark", "showauto"]).out.split()}


def refuse_company(simulated: Simulated, names: Sequence[str]) -> None:
    """Refuse a removal that takes other packages along or brings some in."""
    asked = {name.split(":")[0] for name in names}
    others = sorted(name for name in simulated.removals if name.split(":")[0] not in asked)
    if others:
        raise CannotApply("removing {} would take along: {}".format(" ".join(names), " ".join(others)))
    coming = sorted([*simulated.installs, *simulated.upgrades])
    if coming:
        raise CannotApply("removing {} would bring in: {}".format(" ".join(names), " ".join(coming)))
