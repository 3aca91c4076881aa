"""Loadable kernel modules. State: `{"loaded": true}`."""

from __future__ import annotations

import os
import re
from typing import Optional

from ..control import State
from ..errors import CannotApply
from .base import Resource


class KernelModuleResource(Resource):
    """One module, by its name; dashes and underscores are the same to the kernel."""

    kind = "kernel_module"
    rank = 60

    def read(self, name: str) -> State:
        """Look it up among the loaded ones."""
        return {"loaded": self.users(name) is not None}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Load or unload it."""
        self.host.must(["modprobe", name] if wanted["loaded"] else ["modprobe", "-r", name])

    def users(self, name: str) -> Optional[str]:
        """Return how many and which use a loaded module (`0 -`), or None when it is not loaded."""
        if not re.match(r"^[A-Za-z0-9_-]+$", name):
            raise CannotApply(repr(name) + " is no module name")
        with open(self.host.path("/proc/modules"), encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == name.replace("-", "_"):
                    return words[2] + " " + words[3].rstrip(",")
        return None

    def is_built_in(self, name: str) -> bool:
        """Tell whether it is part of the kernel itself, so that nothing can unload it."""
        path = self.host.path("/sys/module/" + name.replace("-", "_"))
        return os.path.isdir(path) and self.users(name) is None
