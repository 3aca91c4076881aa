"""Running kernel parameters. State: `{"value": "1"}`, or `{"value": None}` where this kernel has no such parameter."""

from __future__ import annotations

from typing import Sequence

from ..control import State
from ..errors import CannotApply
from .base import Resource

# ip-sysctl.rst: "this variable is special, its change resets all configuration parameters to their default state".
DRAGGED_ALONG = {
    "net.ipv4.ip_forward": ("net.ipv4.conf.all.accept_redirects",),
    "net.ipv4.conf.all.forwarding": ("net.ipv4.conf.all.accept_redirects",),
}


class SysctlResource(Resource):
    """One parameter below /proc/sys, by its dotted name."""

    kind = "sysctl"
    rank = 70
    drifts = True

    def read(self, name: str) -> State:
        """Return the value with runs of blanks as one."""
        try:
            with open(self.path(name), encoding="ascii", errors="surrogateescape") as file:
                return {"value": " ".join(file.read().split())}
        except FileNotFoundError:
            return {"value": None}
        except OSError as error:
            raise CannotApply("{} cannot be read: {}".format(name, error.strerror)) from None

    def dragged_along(self, name: str) -> Sequence[str]:
        """Return what the kernel sets to its idea of a router or a host along with forwarding."""
        return DRAGGED_ALONG.get(name, ())

    def write(self, name: str, present: State, wanted: State) -> None:
        """Set the value; the kernel may refuse it."""
        if wanted["value"] is None or present["value"] is None:
            raise CannotApply(name + " does not exist in this kernel")
        try:
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(wanted["value"])
        except OSError as error:
            raise CannotApply("{} cannot be set to {}: {}".format(name, wanted["value"], error.strerror)) from None
        now = self.read(name)["value"]
        if now != wanted["value"]:
            raise CannotApply("{} was set to {} but reads {}".format(name, wanted["value"], now))

    def path(self, name: str) -> str:
        """Where the kernel shows the parameter; as in sysctl(8), the first separator decides what separates."""
        first = min((name.find(mark) for mark in "./" if mark in name), default=-1)
        if first < 0 or ".." in name or name.startswith("/"):
            raise CannotApply(repr(name) + " is no kernel parameter")
        if name[first] == ".":
            name = name.translate(str.maketrans("./", "/."))
        return self.host.path("/proc/sys/" + name)
