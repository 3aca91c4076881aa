"""systemd units. State: `{"enabled": ..., "active": ..., "links": {path: target}}`.

`enabled` is what `systemctl is-enabled` says (`enabled`, `masked`, `static`, ...; `absent` for no such unit),
`active` is true or false, and `links` are the symbolic links that make it so, put back exactly on undo.
"""

from __future__ import annotations

import os
import re
from typing import Dict, Iterator, List, Sequence, Tuple

from ..control import State
from ..errors import CannotApply, ChangedSince, SomeNotWritten
from .base import Resource

LINK_DIRECTORY = "/etc/systemd/system"
RUNNING = ("active", "reloading", "activating")


class UnitResource(Resource):
    """One unit, by its full name (`ssh.service`)."""

    kind = "unit"
    rank = 80
    together = True

    def read(self, name: str) -> State:
        """Ask systemd, and collect the links."""
        said = self.host.ask_once(["systemctl", "show", "-p", "LoadState,UnitFileState,ActiveState", "--", name])
        seen = dict(line.split("=", 1) for line in said.out.splitlines() if "=" in line)
        if said.rc != 0 or "LoadState" not in seen:
            # No systemd to ask (a container being built): the links still tell what happens at the next start.
            seen = {"LoadState": "unknown", "UnitFileState": "", "ActiveState": "inactive"}
        enabled = seen["UnitFileState"] or {"not-found": "absent", "masked": "masked"}.get(seen["LoadState"], "")
        if seen["LoadState"] == "not-found" and enabled != "masked":
            enabled = "absent"
        if not seen["UnitFileState"] and seen["LoadState"] == "loaded":
            enabled = self.host.run(["systemctl", "is-enabled", "--", name]).out.strip() or "static"
        return {"enabled": enabled, "active": seen["ActiveState"] in RUNNING, "links": self._links(name)}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Write one unit."""
        self.write_together([(name, present, wanted)])

    def write_together(self, items: Sequence[Tuple[str, State, State]]) -> None:
        """Have all enabled or masked first, then stop and start; each time sockets before their services.

        A socket cannot start while its service is masked, nor once it runs; and it starts a stopped one again.
        """
        failed: Dict[str, str] = {}
        for step in (self._have_enabled, self._have_stopped, self._have_started):
            self.host.forget()
            for name, present, wanted in sorted(items, key=lambda item: (item[0].endswith(".service"), item[0])):
                try:
                    if name not in failed:
                        step(name, present, wanted)
                except CannotApply as error:
                    failed[name] = str(error)
        if failed:
            raise SomeNotWritten(failed)

    def _have_enabled(self, name: str, present: State, wanted: State) -> None:
        """Enable, disable or mask; then have exactly the wanted links where they are known."""
        if wanted["enabled"] != present["enabled"]:
            if present["enabled"] == "masked":
                self.host.must(["systemctl", "unmask", "--", name])
            verb = {"enabled": "enable", "disabled": "disable", "masked": "mask"}.get(wanted["enabled"])
            if verb and wanted["enabled"] != self._enabled(name):
                self.host.must(["systemctl", verb, "--", name])
        if wanted.get("links") is not None:
            self._relink(name, wanted["links"])

    def _have_stopped(self, name: str, present: State, wanted: State) -> None:
        # Only now: a unit that is not masked yet is started again at once by its socket (rsyslog by syslog.socket).
        if wanted["active"] is False and present["active"]:
            self.host.must(["systemctl", "stop", "--", name])

    def _have_started(self, name: str, present: State, wanted: State) -> None:
        if wanted["active"] and not present["active"]:
            self.host.must(["systemctl", "start", "--", name])
            self._refuse_unmet(name)

    def _refuse_unmet(self, name: str) -> None:
        """A start whose conditions are not met succeeds and starts nothing: say which one it was."""
        said = self.host.run(["systemctl", "show", "-p", "ConditionResult,ActiveState", "--", name]).out.split()
        if "ConditionResult=no" in said and "ActiveState=inactive" in said:
            status = self.host.run(["systemctl", "status", "--no-pager", "--lines=0", "--", name]).out
            unmet = re.search(r"(Condition\w+=.*) was not met", status)
            which = unmet.group(1) if unmet else "systemctl status {} tells which".format(name)
            raise CannotApply("systemd starts {} only under a condition not met here: {}".format(name, which))

    def holds(self, present: State, wanted: State) -> bool:
        """Compare; `links` of None means whatever systemctl makes of it."""
        parts = ("enabled", "active") if wanted.get("links") is None else ("enabled", "active", "links")
        return all(present.get(part) == wanted.get(part) for part in parts)

    def merge(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Step back where enablement and activity each are as we left them; links follow enablement."""
        merged = super().merge(
            name, *({key: value for key, value in s.items() if key != "links"} for s in (base, ours, theirs))
        )
        if ours.get("links") not in (base.get("links"), theirs.get("links")) and base["enabled"] != theirs["enabled"]:
            raise ChangedSince("unit:{} is linked differently now".format(name))
        return dict(merged, links=theirs.get("links") if merged["enabled"] == theirs["enabled"] else ours.get("links"))

    def difference(self, name: str, before: State, after: State) -> str:
        """Links are an implementation detail to a person."""
        return super().difference(
            name, *({key: value for key, value in s.items() if key != "links"} for s in (before, after))
        )

    def beyond_undo(self, name: str, before: State, after: State) -> str:
        """What runs can be stopped and started again, but not as it was."""
        if before["active"] and after["active"] is False:
            return "unit " + name + ": its connections, and what it holds in memory, end with its stop"
        return ""

    def _enabled(self, name: str) -> str:
        return self.host.run(["systemctl", "is-enabled", "--", name]).out.strip()

    def _links(self, name: str) -> Dict[str, str]:
        links = {}
        for path in self._candidates(name):
            full = self.host.path(path)
            if os.path.islink(full):
                target = os.readlink(full)
                if path.startswith("/etc/rc") or name in (os.path.basename(path), os.path.basename(target)):
                    links[path] = target
        return links

    def _candidates(self, name: str) -> Iterator[str]:
        directories: List[str] = [LINK_DIRECTORY]
        root = self.host.path(LINK_DIRECTORY)
        if os.path.isdir(root):
            entries = sorted(os.listdir(root))
            directories += [
                LINK_DIRECTORY + "/" + entry for entry in entries if entry.endswith((".wants", ".requires", ".upholds"))
            ]
            # Aliases (`sshd.service` -> ssh.service) stand at the top under another name.
            yield from (LINK_DIRECTORY + "/" + entry for entry in entries if entry != name)
        for directory in directories:
            yield directory + "/" + name
        # System V links go along with a unit that also has a script of the old kind.
        script = name[: -len(".service")] if name.endswith(".service") else ""
        for level in "0123456S" if script else "":
            directory = self.host.path("/etc/rc" + level + ".d")
            for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
                if entry[3:] == script:
                    yield "/etc/rc" + level + ".d/" + entry

    def _relink(self, name: str, wanted: Dict[str, str]) -> None:
        present = self._links(name)
        if present == wanted:
            return
        for path in present:
            if present[path] != wanted.get(path):
                os.unlink(self.host.path(path))
        for path, target in wanted.items():
            if present.get(path) != target:
                if not os.path.isdir(os.path.dirname(self.host.path(path))):
                    os.mkdir(os.path.dirname(self.host.path(path)), 0o755)
                os.symlink(target, self.host.path(path))
        self.host.run(["systemctl", "daemon-reload"])
