"""Files, directories and symbolic links: content by digest, mode, owner, extended attributes (ACLs among them).

State: `{"type": "absent" | "file" | "directory" | "symlink" | "other", "mode": "0644", "uid", "gid", "xattrs"}`, for a
file whose content mattered also `sha256`, for a link `target`. A state without `sha256` says nothing about the content.
"""

from __future__ import annotations

import base64
import difflib
import errno
import fcntl
import os
import re
import stat
import struct
from typing import Dict, List, Optional

from ..control import State
from ..errors import CannotApply, ChangedSince
from ..merge import merge_text
from ..redact import is_secret_path, redact
from ..store import flush_directory
from .base import Resource

GET_FLAGS = 0x80086601  # FS_IOC_GETFLAGS of linux/fs.h on 64-bit machines
IMMUTABLE, APPEND_ONLY = 0x10, 0x20
# The overlay file system's own, and what a security module derives: a new file gets it by itself (see `copy_label`).
NOT_THE_FILES_OWN = ("trusted.overlay.", "security.selinux", "security.ima", "security.evm")
ABSENT: State = {"type": "absent"}


def sentence(name: str, error: OSError) -> str:
    """Say what the system refused, and what to do."""
    hints = {
        errno.EROFS: "its file system is mounted read-only",
        errno.ENOSPC: "the file system is full; nothing was replaced",
        errno.EDQUOT: "the disk quota is used up; nothing was replaced",
        errno.EBUSY: "it is a mount point of its own (a bind mount?), so it cannot be replaced",
        errno.EPERM: "the system does not permit it, even to us (immutable, or not root?)",
    }
    return name + ": " + hints.get(error.errno or 0, (error.strerror or str(error)).lower())


class FileResource(Resource):
    """What stands at a path."""

    kind = "file"
    rank = 20

    def read(self, name: str) -> State:
        """Return type, mode, owner and attributes; the content only on demand (`with_content`)."""
        path = self.host.path(name)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return dict(ABSENT)
        except OSError as error:
            raise CannotApply(sentence(name, error)) from None
        state: State = {"uid": status.st_uid, "gid": status.st_gid}
        if stat.S_ISLNK(status.st_mode):
            state.update(type="symlink", target=os.readlink(path))
            return state
        kind = "file" if stat.S_ISREG(status.st_mode) else "directory" if stat.S_ISDIR(status.st_mode) else "other"
        state.update(type=kind, mode="{:04o}".format(stat.S_IMODE(status.st_mode)))
        attributes = read_attributes(path)
        if attributes:
            state["xattrs"] = attributes
        return state

    def with_content(self, name: str, state: State) -> State:
        """Add the digest of a file's content to its state, and have the content at hand."""
        if state["type"] != "file" or "sha256" in state:
            return state
        try:
            with open(self.host.path(name), "rb") as file:
                return dict(state, sha256=self.host.store.add(file.read()))
        except OSError as error:
            raise CannotApply(sentence(name, error)) from None

    def settled(self, name: str, wanted: State) -> State:
        """Read again; the content we wrote is the content that is there."""
        state = self.read(name)
        return dict(state, sha256=wanted["sha256"]) if "sha256" in wanted and state["type"] == "file" else state

    def holds(self, present: State, wanted: State) -> bool:
        """Compare; a state that says nothing about the content holds for any content."""
        if present["type"] != wanted["type"]:
            return False
        parts = (set(present) | set(wanted)) - {"sha256"}
        same = all(present.get(part) == wanted.get(part) for part in parts)
        return same and ("sha256" not in wanted or present.get("sha256") == wanted["sha256"])

    def prepare(self, name: str, present: State, wanted: State) -> None:
        """Have the new content beside the file, flushed, so that only the renaming is left to do."""
        path = self.host.path(name)
        try:
            refuse_frozen(name, path)
            refuse_frozen(name, os.path.dirname(path))
            if self._is_new_content(present, wanted) and os.path.isdir(os.path.dirname(path)):
                if present["type"] == "file" and os.lstat(path).st_nlink > 1:
                    raise CannotApply(name + " has several hard links; replacing one would part it from the others")
                self._write_beside(name, wanted)
        except OSError as error:
            self.abandon(name)
            raise CannotApply(sentence(name, error)) from None

    def abandon(self, name: str) -> None:
        """Remove the file beside."""
        try:
            os.unlink(beside(self.host.path(name)))
        except OSError:
            # Not there, or nothing can be written here at all: then there is nothing of ours either.
            return

    def write(self, name: str, present: State, wanted: State) -> None:
        """Replace the file in one step, or change what is not content in place."""
        path = self.host.path(name)
        try:
            if wanted["type"] == "absent":
                os.rmdir(path) if present["type"] == "directory" else os.unlink(path)
            elif present["type"] not in ("absent", wanted["type"]) and present["type"] == "directory":
                raise CannotApply(name + " is a directory and would have to become a " + wanted["type"])
            elif wanted["type"] == "file" and self._is_new_content(present, wanted):
                if not os.path.exists(beside(path)):
                    self._write_beside(name, wanted)
                os.rename(beside(path), path)
            elif wanted["type"] == "symlink":
                self.abandon(name)
                os.symlink(wanted["target"], beside(path))
                os.lchown(beside(path), wanted["uid"], wanted["gid"])
                os.rename(beside(path), path)
            else:
                if wanted["type"] == "directory" and present["type"] == "absent":
                    os.mkdir(path, 0o700)
                set_attributes(path, wanted)
            flush_directory(os.path.dirname(path))
        except OSError as error:
            self.abandon(name)
            raise CannotApply(sentence(name, error)) from None

    def merge(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Merge mode, owner and attributes part by part, and text by blocks or hunks."""
        if (
            len({base["type"], ours["type"], theirs["type"]} - {"file"}) == 0
            and "sha256" in base
            and "sha256" in theirs
        ):
            merged = merge_text(name, *(self.host.store.get(state["sha256"]) for state in (base, ours, theirs)))
            if merged is None:
                return dict(ABSENT)
            step = [
                {part: value for part, value in state.items() if part != "sha256"} for state in (base, ours, theirs)
            ]
            return dict(super().merge(name, *step), sha256=self.host.store.add(merged))
        if base["type"] == "file" and "absent" in (ours["type"], theirs["type"]) and "sha256" in base:
            contents = [self._content(state) for state in (base, ours, theirs)]
            merged = merge_text(name, contents[0] or b"", *contents[1:])
            return dict(ABSENT) if merged is None else dict(ours, sha256=self.host.store.add(merged))
        if base["type"] != ours["type"]:
            raise ChangedSince(name + " is " + worded(ours) + " now; we left " + worded(base))
        return super().merge(name, base, ours, theirs)

    def forced(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Go over the blocks and lines that were edited, and no others; a file that is none any more, as a whole."""
        states = (base, ours, theirs)
        has_text = any("sha256" in state for state in states)
        if not has_text or any(state["type"] not in ("file", "absent") for state in states):
            return theirs
        if any(state["type"] == "file" and "sha256" not in state for state in states):
            return theirs
        base_text, *texts = (self._content(state) for state in states)
        merged = merge_text(name, base_text or b"", *texts, force=True)
        if merged is None:
            return dict(ABSENT)
        parts = theirs if ours["type"] == "absent" else dict(ours)
        if base["type"] == ours["type"] == theirs["type"]:
            parts.update({part: value for part, value in theirs.items() if base.get(part) != value})
        return dict(parts, sha256=self.host.store.add(merged))

    def difference(self, name: str, before: State, after: State) -> str:
        """Show a unified diff of the text, and the other parts line by line; nothing of secret files."""
        if before["type"] != after["type"]:
            shown = ["file:{} {} -> {}".format(name, worded(before), worded(after))]
        else:
            parts = [{key: value for key, value in state.items() if key != "sha256"} for state in (before, after)]
            shown = [super().difference(name, *parts)]
        if before.get("sha256") != after.get("sha256"):
            if is_secret_path(name):
                shown.append("file:" + name + " content changed (not shown: it may hold secrets)")
            else:
                shown.append(self._text_difference(name, before, after))
        return "\n".join(part for part in shown if part)

    def beyond_undo(self, name: str, before: State, after: State) -> str:
        """A file comes back as it was; what the kernel was told to lock from it stays locked."""
        if name.startswith("/etc/audit/") and not self._locks_audit(before) and self._locks_audit(after):
            return "file " + name + ": the kernel keeps its audit rules locked until a restart of the host"
        return ""

    def _locks_audit(self, state: State) -> bool:
        return re.search(rb"(?m)^\s*-e\s+2\b", self._content(state) or b"") is not None

    def _text_difference(self, name: str, before: State, after: State) -> str:
        texts: List[List[str]] = []
        for state in (before, after):
            content = self.host.store.get(state["sha256"]) if "sha256" in state else b""
            if b"\0" in content:
                return "file:" + name + " content changed (not text)"
            texts.append(content.decode("utf-8", "replace").splitlines())
        return redact(
            "\n".join(difflib.unified_diff(texts[0], texts[1], "before" + name, "after" + name, lineterm="", n=1))
        )

    def _content(self, state: State) -> Optional[bytes]:
        return self.host.store.get(state["sha256"]) if "sha256" in state else None

    @staticmethod
    def _is_new_content(present: State, wanted: State) -> bool:
        is_file = wanted["type"] == "file" and "sha256" in wanted
        return is_file and (present["type"] != "file" or present.get("sha256") != wanted["sha256"])

    def _write_beside(self, name: str, wanted: State) -> None:
        path = beside(self.host.path(name))
        self.abandon(name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.host.store.get(wanted["sha256"]))
            file.flush()
            set_attributes(path, wanted)
            copy_label(self.host.path(name), path)
            os.fsync(file.fileno())


def beside(path: str) -> str:
    """Name of the file that takes a path's place: hidden and ending in `~`, so that no service reads it meanwhile."""
    return os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".hardening~")


def read_attributes(path: str) -> Dict[str, str]:
    """Return the extended attributes, values in base64; a file system without them has none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {
            name: base64.b64encode(os.getxattr(path, name, follow_symlinks=False)).decode("ascii")
            for name in sorted(names)
            if not name.startswith(NOT_THE_FILES_OWN)
        }
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM, errno.ENODATA):
            return {}
        raise


def set_attributes(path: str, wanted: State) -> None:
    """Give a path its owner, mode and extended attributes, in the order in which they do not undo one another."""
    status = os.lstat(path)
    if (status.st_uid, status.st_gid) != (wanted["uid"], wanted["gid"]):
        os.chown(path, wanted["uid"], wanted["gid"])
    mode = int(wanted["mode"], 8)
    # chown takes set-user-id away, so the mode comes after it; an ACL rewrites the group bits, so it comes last.
    if stat.S_IMODE(os.lstat(path).st_mode) != mode:
        os.chmod(path, mode)
    attributes: Dict[str, str] = wanted.get("xattrs") or {}
    present = read_attributes(path)
    for name in present:
        if name not in attributes:
            os.removexattr(path, name)
    for name, value in attributes.items():
        if present.get(name) != value:
            os.setxattr(path, name, base64.b64decode(value))


def copy_label(source: str, path: str) -> None:
    """Give a file that takes another's place the other's SELinux label."""
    try:
        os.setxattr(path, "security.selinux", os.getxattr(source, "security.selinux"))
    except OSError:
        # No SELinux here, or nothing stands there yet: the policy's default for the directory is right.
        return


def refuse_frozen(name: str, path: str) -> None:
    """Refuse what carries the immutable or append-only flag, as the write would fail half-way through a run."""
    if not os.path.exists(path) or os.path.islink(path) or not (os.path.isfile(path) or os.path.isdir(path)):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        answer = fcntl.ioctl(descriptor, GET_FLAGS, struct.pack("l", 0))
    except OSError:
        return  # A file system without such flags.
    finally:
        os.close(descriptor)
    flags = struct.unpack("l", answer)[0]
    if flags & IMMUTABLE:
        raise CannotApply(name + ": " + path + " is immutable; `chattr -i` it if it may be changed")
    if flags & APPEND_ONLY:
        raise CannotApply(name + ": " + path + " is append-only; `chattr -a` it if it may be changed")


def worded(state: State) -> str:
    """Say a state for a sentence."""
    if state["type"] == "absent":
        return "absent"
    if state["type"] == "symlink":
        return "a symbolic link to " + str(state["target"])
    return "a {} {} {}:{}".format(state["type"], state["mode"], state["uid"], state["gid"])
