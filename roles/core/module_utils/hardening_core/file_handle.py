"""A file as a kind's planning function sees it: read it, say what it shall be; nothing is written yet."""

from __future__ import annotations

import grp
import os
import pwd
import re
from typing import List, Optional, Pattern, Union

from . import acl, edit
from .control import State
from .errors import CannotApply
from .overlay import Overlay
from .resources.file import ABSENT

NEW_DIRECTORY: State = {"type": "directory", "mode": "0755", "uid": 0, "gid": 0}


class FileHandle:
    """One path. Symbolic links are followed unless asked otherwise."""

    def __init__(self, overlay: Overlay, path: str, *, follow: bool = True) -> None:
        if not path.startswith("/"):
            raise CannotApply(repr(path) + " is no absolute path")
        self.overlay = overlay
        self.host = overlay.present.host
        self.path = self.host.resolve(path) if follow else os.path.normpath(path)
        self.address = ("file", self.path)

    @property
    def state(self) -> State:
        """The state as planned so far."""
        return self.overlay.state(self.address)

    @property
    def type(self) -> str:
        """`absent`, `file`, `directory`, `symlink` or `other`."""
        return str(self.state["type"])

    @property
    def exists(self) -> bool:
        """True for anything that stands there."""
        return self.type != "absent"

    @property
    def content(self) -> bytes:
        """The content; of a file that is not there, nothing."""
        if self.type == "absent":
            return b""
        if self.type != "file":
            raise CannotApply(self.path + " is not a file but a " + self.type)
        return self.host.store.get(self.overlay.with_content(self.address)["sha256"])

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 survive a round trip."""
        return self.content.decode("utf-8", "surrogateescape")

    @property
    def lines(self) -> List[str]:
        """The text's lines, without their newlines."""
        return self.text.split("\n")[: -1 if self.text.endswith("\n") else None] if self.text else []

    @property
    def mode(self) -> str:
        """Permission bits as four octal digits."""
        return str(self._existing()["mode"])

    @property
    def uid(self) -> int:
        """Owner."""
        return int(self._existing()["uid"])

    @property
    def gid(self) -> int:
        """Group."""
        return int(self._existing()["gid"])

    def set_content(self, content: bytes, *, mode: str = "0644") -> None:
        """Have this content; a new file gets the mode, and belongs to root."""
        if self.exists and self.content == content:
            return
        digest = self.host.store.add(content)
        if self.exists:
            self._stage(dict(self.overlay.with_content(self.address), sha256=digest))
        else:
            self.make_parents()
            self._stage({"type": "file", "mode": four_digits(mode), "uid": 0, "gid": 0, "sha256": digest})

    def set_text(self, text: str, *, mode: str = "0644") -> None:
        """Have this text."""
        self.set_content(text.encode("utf-8", "surrogateescape"), mode=mode)

    def set_key(self, key: str, value: Union[str, int], *, separator: str = "=", section: Optional[str] = None) -> None:
        """Have `key<separator>value` once: where it is set, else after the comment that shows it, else at the end."""
        self.set_text(edit.set_key(self.text, key, str(value), separator=separator, section=section))

    def unset_key(self, key: str, *, note: str = "") -> None:
        """Have no line that sets the key: such lines become comments."""
        self.comment_out(r"^\s*" + re.escape(key) + r"(\s|=|:|$)", note=note)

    def comment_out(self, pattern: Union[str, Pattern[str]], *, note: str = "", comment: str = "#") -> None:
        """Have every line that matches stand behind a comment sign."""
        self.set_text(edit.comment_out(self.text, pattern, note=note, comment=comment))

    def replace_lines(self, pattern: Union[str, Pattern[str]], line: Optional[str]) -> None:
        """Have `line` in the place of the first line that matches and no other such line; None removes them all."""
        self.set_text(edit.replace_lines(self.text, pattern, line))

    def insert_before(self, pattern: Union[str, Pattern[str]], line: str) -> None:
        """Have `line` right before the first line that matches (or at the end), unless it stands somewhere."""
        self.set_text(edit.insert(self.text, pattern, line, after=False))

    def insert_after(self, pattern: Union[str, Pattern[str]], line: str) -> None:
        """Have `line` right after the last line that matches (or at the end), unless it stands somewhere."""
        self.set_text(edit.insert(self.text, pattern, line, after=True))

    def ensure_line(self, line: str) -> None:
        """Have `line` in the file, at the end if it is new."""
        self.set_text(edit.insert(self.text, r"(?!)", line, after=True))

    def set_field(self, name: str, number: int, value: str) -> None:
        """Have a field (counted from 0) of the line of `name` in a colon-separated database (passwd, shadow, group)."""
        self.set_text(edit.set_field(self.text, name, number, value))

    def set_mode(self, mode: str) -> None:
        """Have exactly these permission bits."""
        if self.mode != four_digits(mode):
            state = dict(self.state, mode=four_digits(mode))
            if "xattrs" in state:
                state["xattrs"] = acl.after_chmod(state["xattrs"], int(mode, 8))
            self._stage(state)

    def limit_mode(self, mode: str) -> None:
        """Have no permission bit beyond these; what is stricter stays."""
        self.set_mode("{:04o}".format(int(self.mode, 8) & int(mode, 8)))

    def set_owner(self, user: Union[str, int, None] = None, group: Union[str, int, None] = None) -> None:
        """Have this owner and group; None leaves it."""
        state = dict(self._existing(follow_only=False))
        state["uid"] = state["uid"] if user is None else user_id(user)
        state["gid"] = state["gid"] if group is None else group_id(group)
        if state != self.state:
            self._stage(state)

    def remove(self) -> None:
        """Have nothing here; a directory has to be empty."""
        if self.type == "directory" and os.listdir(self.host.path(self.path)):
            raise CannotApply(self.path + " is a directory with something in it")
        if self.type == "other":
            raise CannotApply(self.path + " is neither file, directory nor link")
        if self.type == "file":
            self.overlay.with_content(self.address)
        if self.exists:
            self._stage(dict(ABSENT))

    def link_to(self, target: str) -> None:
        """Be a symbolic link to the target (use `system.file(path, follow=False)`)."""
        if self.type not in ("absent", "symlink", "file"):
            raise CannotApply(self.path + " is a " + self.type)
        if self.state.get("target") != target:
            if self.type == "file":
                self.overlay.with_content(self.address)
            self.make_parents()
            self._stage({"type": "symlink", "target": target, "uid": 0, "gid": 0})

    def make_directory(self, *, mode: str = "0755", user: Union[str, int] = 0, group: Union[str, int] = 0) -> None:
        """Be a directory; one that is there keeps its mode and owner."""
        if self.type not in ("absent", "directory"):
            raise CannotApply(self.path + " is a " + self.type + ", not a directory")
        if not self.exists:
            self.make_parents()
            self._stage(dict(NEW_DIRECTORY, mode=four_digits(mode), uid=user_id(user), gid=group_id(group)))

    def make_parents(self) -> None:
        """Have the directories above."""
        parent = os.path.dirname(self.path)
        if parent != "/":
            FileHandle(self.overlay, parent).make_directory()

    def _existing(self, *, follow_only: bool = True) -> State:
        if not self.exists:
            raise CannotApply(self.path + " does not exist")
        if follow_only and self.type == "symlink":
            raise CannotApply(self.path + " is a symbolic link; those have no mode")
        return self.state

    def _stage(self, state: State) -> None:
        self.overlay.stage(self.address, state)


def four_digits(mode: str) -> str:
    """Return a mode as four octal digits; YAML must have quoted it."""
    if not re.match(r"^[0-7]{3,4}$", str(mode)):
        raise CannotApply("mode " + repr(mode) + " is not three or four octal digits in quotes")
    return str(mode).zfill(4)


def user_id(user: Union[str, int]) -> int:
    """Return the number of a user."""
    if isinstance(user, int) or str(user).isdigit():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise CannotApply("there is no user " + user) from None


def group_id(group: Union[str, int]) -> int:
    """Return the number of a group."""
    if isinstance(group, int) or str(group).isdigit():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise CannotApply("there is no group " + group) from None
