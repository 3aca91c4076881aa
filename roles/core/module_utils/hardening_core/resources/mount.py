"""Options of mounted file systems, live. State: `{"mounted": true, "options": ["nodev", "nosuid", "relatime", "rw"]}`.

These are the options of the mount, which can be changed while it is in use; those of the file system itself (size=) are
not ours.
"""

from __future__ import annotations

import re
from typing import List

from ..control import State
from ..errors import CannotApply
from .base import Resource

OPPOSITES = {
    "nodev": "dev",
    "nosuid": "suid",
    "noexec": "exec",
    "nodiratime": "diratime",
    "noatime": "atime",
    "ro": "rw",
}


class MountResource(Resource):
    """One mount point."""

    kind = "mount"
    rank = 65

    def read(self, name: str) -> State:
        """Look it up in the kernel's table; of several mounts on one point, the last is the one seen."""
        state: State = {"mounted": False, "options": []}
        with open(self.host.path("/proc/self/mountinfo"), encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                words = line.split(" ")
                # Blanks and their like are written in octal (proc(5)).
                point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), words[4])
                if point == name:
                    state = {"mounted": True, "options": sorted(words[5].split(","))}
        return state

    def write(self, name: str, present: State, wanted: State) -> None:
        """Give the mount exactly these options."""
        if not present["mounted"] or not wanted["mounted"]:
            raise CannotApply(
                name + " is not mounted" if wanted["mounted"] else name + " was not mounted before; we do not unmount"
            )
        options: List[str] = list(wanted["options"])
        # mount(8) merges with what is there, so what is to go has to be said.
        options += [on for off, on in OPPOSITES.items() if off in present["options"] and off not in options]
        self.host.must(["mount", "-o", ",".join(["remount", "bind", *options]), "--", name])
