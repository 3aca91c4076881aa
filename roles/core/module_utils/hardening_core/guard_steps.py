"""What the guard can put back without Python: every planned resource as lines of shell, with what they need kept."""

from __future__ import annotations

import hashlib
import os
import shlex
from typing import List, Optional, Sequence, Tuple

from . import actions
from .control import State
from .guard_script import quoted
from .host import Host
from .overlay import Address, Present
from .resources.file import FileResource, copy_label, set_attributes
from .resources.mount import OPPOSITES
from .resources.pam import CONFIGS, PROFILES, SAVED, STACKS
from .resources.runtime import PAIRS
from .resources.sysctl import SysctlResource

# A name of what pam-auth-update may write that it has not written yet.
PAM_SAVED = ("account", "auth", "password", "seen", "session", "session-noninteractive")
Item = Tuple[Address, State, Optional[State]]


def guarded(address: Address) -> bool:
    """Tell whether shell alone can put this resource back; packages and SQL it cannot."""
    kinds = ("file", "unit", "sysctl", "runtime", "mount", "kernel_module", "pam_profile", "pam_argument")
    return address[0] in kinds


def items_of(present: Present, address: Address, wanted: Optional[State]) -> List[Item]:
    """Return what has to be put back for one planned resource: (address, before, after); after None is unknown."""
    kind, name = address
    if kind in ("pam_profile", "pam_argument"):
        return [(("file", path), file_before(present, path), None) for path in pam_files(present.host)]
    before = present.original.get(address) or present.state(address)
    if kind == "file" and before["type"] == "file" and (wanted is None or _is_other_content(wanted)):
        before = file_before(present, name)
    items: List[Item] = [(address, before, wanted)]
    for other in present.resources[kind].dragged_along(name):
        items.append(((kind, other), present.original.get((kind, other)) or present.state((kind, other)), None))
    return items


def file_before(present: Present, path: str) -> State:
    """Return the state of a file before this run, content included."""
    file = present.resources["file"]
    assert isinstance(file, FileResource)
    before = present.original.get(("file", path))
    if before is None:
        return file.with_content(path, file.read(path))
    return present.first_with_content(("file", path)) if before["type"] == "file" else before


def pam_files(host: Host) -> List[str]:
    """Return every file that pam-auth-update, and we in its place, may write."""
    paths = {SAVED + "/" + name for name in PAM_SAVED}
    paths |= {CONFIGS + "/" + name for profile in PROFILES.values() for name in profile}
    for directory in (CONFIGS, STACKS, SAVED):
        full = host.path(directory)
        for entry in os.listdir(full) if os.path.isdir(full) else []:
            path = os.path.join(full, entry)
            if os.path.isfile(path) and not os.path.islink(path):
                paths.add(directory + "/" + entry)
    return sorted(paths)


class StepWriter:
    """Writes `do.sh` of one step, and below `kept/` what it puts back."""

    def __init__(self, host: Host, part: str, final: str) -> None:
        """The step is written in `part` and will be called `final`."""
        self.host, self.part, self.final = host, part, final
        self.count = 0

    def script(self, items: Sequence[Item]) -> str:
        """Return the shell lines that put all items back; files first, then what systemd is told at once."""
        lines: List[str] = []
        units = [item for item in items if item[0][0] == "unit"]
        for (kind, name), before, after in items:
            if kind != "unit":
                lines.append(getattr(self, "_" + kind)(name, before, after))
        # Forwarding sets others along with it: all of them again, now that each was set once.
        sysctls = [self._sysctl(name, before, after) for (kind, name), before, after in items if kind == "sysctl"]
        lines += sysctls if len(sysctls) > 1 else []
        files = any(kind == "file" and "/systemd/" in name for (kind, name), _, _ in items)
        for (_, name), before, _ in units:
            links = before.get("links") or {}
            lines.append(quoted("back_links", name, *(word for pair in sorted(links.items()) for word in pair)))
        if units or files:
            lines.append("tried systemctl daemon-reload\n")
        # As `resources/unit.py` does: stop before start, sockets before their services.
        for verb in ("stop", "start"):
            for (_, name), before, _ in sorted(units, key=lambda item: (item[0][1].endswith(".service"), item[0][1])):
                if before["active"] == (verb == "start"):
                    lines.append(quoted("unit_is", verb, name))
        return "".join(lines) or ":\n"

    def _file(self, name: str, before: State, after: Optional[State]) -> str:
        path = self.host.path(name)
        if before["type"] == "absent":
            return quoted("gone", path)
        if before["type"] == "symlink":
            owner = "{}:{}".format(before["uid"], before["gid"])
            return quoted("back_link", path, before["target"], owner)
        preserve = "mode,ownership"
        if before.get("xattrs") or (after or {}).get("xattrs"):
            preserve += ",xattr"
        if before["type"] == "file" and "sha256" in before:
            kept = self._keep(name, before, self.host.store.get(before["sha256"]))
            return quoted("back_file", kept, path, preserve)
        if before["type"] == "directory":
            return quoted("back_directory", self._keep(name, before, None), path, preserve)
        return quoted("back_attributes", self._keep(name, before, b""), path, preserve)

    def _sysctl(self, name: str, before: State, after: Optional[State]) -> str:
        if before["value"] is None:
            return ""
        return quoted("back_sysctl", SysctlResource(self.host).path(name), before["value"])

    def _mount(self, name: str, before: State, after: Optional[State]) -> str:
        options = list(before["options"])
        gained = (after or before)["options"]
        options += [on for off, on in OPPOSITES.items() if off in gained and off not in options]
        return quoted("tried", "mount", "-o", ",".join(["remount", "bind", *options]), "--", name)

    def _kernel_module(self, name: str, before: State, after: Optional[State]) -> str:
        return quoted("tried", "modprobe", *([] if before["loaded"] else ["-r"]), name)

    def _runtime(self, name: str, before: State, after: Optional[State]) -> str:
        pair = PAIRS[name]
        text = self.host.store.get(before["sha256"])
        kept = self._fed(pair.head.encode() + text)
        read = " ".join(map(shlex.quote, pair.reader))
        if pair.empty:
            read += " | sed " + shlex.quote("/^" + pair.empty.strip() + "$/d")
        writers = []
        for writer in pair.writers:
            fed = writer[-1] == pair.stdin
            if not fed or text or pair.head:
                writers.append(" ".join(map(shlex.quote, writer)) + (" <" + shlex.quote(kept) if fed else ""))
        return "read_runtime() {{ {}; }}\nwrite_runtime() {{ {}; }}\n{}".format(
            read, " && ".join(writers), quoted("back_runtime", name, before["sha256"])
        )

    def _keep(self, name: str, before: State, content: Optional[bytes]) -> str:
        """Keep a copy with the very mode, owner and attributes, from which cp takes them; return where."""
        number = self._number()
        path = os.path.join(self.part, "kept", number)
        if content is None:
            os.mkdir(path, 0o700)
        else:
            self._write_to(path, content)
        set_attributes(path, dict(before, xattrs=before.get("xattrs") or {}))
        copy_label(self.host.path(name), path)
        return os.path.join(self.final, "kept", number)

    def _fed(self, content: bytes) -> str:
        number = self._number()
        self._write_to(os.path.join(self.part, "kept", number), content)
        return os.path.join(self.final, "kept", number)

    def _number(self) -> str:
        self.count += 1
        return str(self.count)

    @staticmethod
    def _write_to(path: str, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def action_lines(host: Host, wanted: Sequence[str]) -> List[str]:
    """Return what has the running services take up what was put back, as lines of shell in their order."""
    running = actions.running_units(host, wanted)
    lines = []
    for action in actions.in_order(wanted):
        verb, name = action.split(":", 1)
        if verb == "run":
            lines.append(quoted("program", *actions.COMMANDS[name]))
        elif name in running:
            lines.append(quoted("service", verb, name))
    return lines


def in_order(lines: Sequence[str]) -> List[str]:
    """Return the action lines of several steps once each: programs first, a restart in place of a reload."""
    once = list(dict.fromkeys(lines))
    once = [
        line
        for line in once
        if not line.startswith("service reload ") or line.replace(" reload ", " restart ", 1) not in once
    ]
    return sorted(once, key=lambda line: not line.startswith("program"))


def digests_on_disk(host: Host, paths: Sequence[str]) -> List[str]:
    """Return the digests of those files that exist."""
    found = []
    for path in map(host.path, paths):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                found.append(hashlib.sha256(file.read()).hexdigest())
    return found


def _is_other_content(wanted: State) -> bool:
    return wanted["type"] != "file" or "sha256" in wanted
