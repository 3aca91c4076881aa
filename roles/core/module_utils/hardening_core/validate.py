"""Asking a service's own checker about files that are not in place yet.

The planned files are mounted over the real ones in a mount namespace that only the checker sees, so nothing is replaced
by what the checker refuses. A directory in which names come or go is rebuilt beside and mounted as a whole.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import tempfile
from typing import Dict, List, Optional, Sequence

from .control import State
from .host import Host
from .overlay import Overlay
from .resources.file import read_attributes, set_attributes

COMPLAINT = re.compile(r"error|fatal|fail|invalid|unknown|refus|denied", re.I)
CANNOT_MOUNT = 97  # Answered by our own script, before the checker ran.
# A larger file in a rebuilt directory is mounted from where it is rather than copied.
COPY_LIMIT_BYTES = 256 * 1024


class NoNamespace(Exception):
    """This system does not let us mount in private; the message is its reason."""


def file_changes(overlay: Overlay) -> Dict[str, State]:
    """Return the planned files that differ from the present ones, by path."""
    return {
        name: state
        for (kind, name), state in overlay.wanted().items()
        if kind == "file" and not overlay.present.holds((kind, name), state)
    }


def refusal(overlay: Overlay, checkers: Sequence[Sequence[str]]) -> Optional[str]:
    """Return what the first checker that refuses the planned files says, or None where all accept them."""
    host = overlay.present.host
    changes = file_changes(overlay)
    directory = tempfile.mkdtemp(prefix="hardening-", dir="/run" if os.path.isdir("/run") else None)
    try:
        mounts = _stage(host, overlay, changes, directory)
        for argv in checkers:
            script = "{ " + " && ".join([*mounts, ":"]) + "; } || exit " + str(CANNOT_MOUNT) + '\nexec "$@"'
            ran = host.run(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh", *argv])
            if ran.rc == CANNOT_MOUNT or ran.err.startswith("unshare:") or (ran.rc == 127 and "unshare" in ran.err):
                raise NoNamespace(ran.said)
            if ran.rc != 0:
                return "`" + " ".join(argv) + "` refuses it: " + _telling(ran.err or ran.out)
        return None
    finally:
        shutil.rmtree(directory)


def _telling(said: str) -> str:
    """Return the first lines that complain; some checkers tell all they do besides."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if COMPLAINT.search(line)]
    return " / ".join((complaints or lines)[:3])[:400] or "it said nothing"


def _stage(host: Host, overlay: Overlay, changes: Dict[str, State], directory: str) -> List[str]:
    """Build the planned files below `directory`; return the mount commands that put them in place."""
    tops = {path: _existing_directory(host, os.path.dirname(path)) for path in changes}
    rebuilt: Dict[str, str] = {}
    mounts: List[str] = []
    for path, state in changes.items():
        kept_name = overlay.present.state(("file", path))["type"] == state["type"] and state["type"] in (
            "file",
            "directory",
        )
        # Nothing can be mounted over the root itself; no checker looks for new names right there.
        if not kept_name and tops[path] not in rebuilt and tops[path] != "/":
            rebuilt[tops[path]] = os.path.join(directory, "d" + str(len(rebuilt)))
            mounts += _rebuild(host, tops[path], rebuilt[tops[path]], changes)
    # A directory hides what is mounted below it, so the upper ones come first.
    mounts += [
        _mount("--rbind", rebuilt[top], host.path(top)) for top in sorted(rebuilt, key=lambda top: top.count("/"))
    ]
    for number, path in enumerate(sorted(changes, key=lambda path: (path.count("/"), path))):
        state = _whole(overlay, path, changes[path])
        if tops[path] in rebuilt:
            _place(host, state, rebuilt[tops[path]] + path[len(tops[path].rstrip("/")) :])
        elif state["type"] == "file" and os.path.exists(host.path(path)):
            copy = os.path.join(directory, "f" + str(number))
            _place(host, state, copy)
            mounts.append(_mount("--bind", copy, host.path(path)))
    return mounts


def _whole(overlay: Overlay, path: str, state: State) -> State:
    if state["type"] != "file" or "sha256" in state:
        return state
    return dict(state, sha256=overlay.present.with_content(("file", path))["sha256"])


def _exists(host: Host, path: str) -> bool:
    return os.path.isdir(host.path(path))


def _existing_directory(host: Host, path: str) -> str:
    while not _exists(host, path):
        path = os.path.dirname(path)
    return path


def _mount(how: str, source: str, place: str) -> str:
    return "mount " + how + " -- " + shlex.quote(source) + " " + shlex.quote(place)


def _rebuild(host: Host, top: str, place: str, changes: Dict[str, State]) -> List[str]:
    """Make a copy of a directory, one level deep; return the mounts that fill in what is not copied."""
    mounts: List[str] = []
    os.mkdir(place)
    _copy_attributes(host.path(top), place)
    for entry in os.scandir(host.path(top)):
        copy = os.path.join(place, entry.name)
        if os.path.join(top, entry.name) in changes and not entry.is_dir(follow_symlinks=False):
            continue  # Its planned state is put there.
        status = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), copy)
            os.lchown(copy, status.st_uid, status.st_gid)
        elif entry.is_dir():
            os.mkdir(copy)
            mounts.append(_mount("--rbind", entry.path, copy))
        elif entry.is_file() and status.st_size <= COPY_LIMIT_BYTES:
            shutil.copyfile(entry.path, copy)
            _copy_attributes(entry.path, copy)
        else:
            open(copy, "wb").close()
            mounts.append(_mount("--bind", entry.path, copy))
    return mounts


def _copy_attributes(source: str, copy: str) -> None:
    status = os.stat(source)
    mode = "{:04o}".format(stat.S_IMODE(status.st_mode))
    set_attributes(copy, {"uid": status.st_uid, "gid": status.st_gid, "mode": mode, "xattrs": read_attributes(source)})


def _place(host: Host, state: State, place: str) -> None:
    """Have a planned state at a path of the staging directory."""
    if state["type"] == "absent":
        if os.path.isdir(place):
            os.rmdir(place)
        return
    if state["type"] == "symlink":
        os.symlink(state["target"], place)
        return
    if state["type"] == "directory":
        os.makedirs(place, exist_ok=True)
    elif "sha256" in state:
        with open(place, "wb") as file:
            file.write(host.store.get(state["sha256"]))
    set_attributes(place, state)
