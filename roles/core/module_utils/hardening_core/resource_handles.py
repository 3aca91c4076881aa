"""Resources that are no files, as a kind's planning function sees them."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional, Tuple

from .control import State
from .errors import CannotApply
from .overlay import Overlay
from .resources.kernel_module import KernelModuleResource
from .resources.package import PackageResource, refuse_company


class Handle:
    """A resource whose state is set as a whole or by part."""

    def __init__(self, overlay: Overlay, kind: str, name: str) -> None:
        self.overlay = overlay
        self.address = (kind, name)
        self.name = name

    @property
    def state(self) -> State:
        """The state as planned so far."""
        return self.overlay.state(self.address)

    def change(self, **parts: Any) -> None:
        """Have these parts of the state."""
        wanted = dict(self.state, **parts)
        if wanted != self.state:
            self.overlay.stage(self.address, wanted)


class Sysctl(Handle):
    """A running kernel parameter."""

    def __init__(self, overlay: Overlay, key: str) -> None:
        super().__init__(overlay, "sysctl", key)

    @property
    def value(self) -> Optional[str]:
        """The value, or None where this kernel has no such parameter."""
        value: Optional[str] = self.state["value"]
        return value

    def set(self, value: str) -> None:
        """Have this value now."""
        if self.value is None:
            raise CannotApply(self.name + " does not exist in this kernel")
        self.change(value=" ".join(str(value).split()))


class Unit(Handle):
    """A systemd unit."""

    # What is good as it is: a static unit cannot be enabled or disabled, a masked one is off already.
    GOOD: ClassVar[Dict[str, Tuple[str, ...]]] = {
        "enabled": ("enabled", "static", "indirect", "generated", "alias"),
        "disabled": ("disabled", "static", "indirect", "masked"),
        "masked": ("masked",),
    }

    def __init__(self, overlay: Overlay, name: str) -> None:
        super().__init__(overlay, "unit", name)

    @property
    def exists(self) -> bool:
        """True when systemd knows the unit, masked ones included."""
        return str(self.state["enabled"]) != "absent"

    @property
    def active(self) -> bool:
        """True when it runs."""
        return bool(self.state["active"])

    def enable(self) -> None:
        """Start with the system, and now."""
        self._enablement("enabled", active=True)

    def disable(self) -> None:
        """Not start with the system, and stop now; what needs it may still start it."""
        self._enablement("disabled", active=False)

    def mask(self) -> None:
        """Be startable by nobody, and stop now; a unit that is not there is masked all the same."""
        self._enablement("masked", active=False)

    def start(self) -> None:
        """Run now."""
        self._refuse_absent()
        self.change(active=True)

    def stop(self) -> None:
        """Not run now."""
        self.change(active=False)

    def _enablement(self, wanted: str, *, active: bool) -> None:
        if wanted != "masked":
            self._refuse_absent()
        if self.state["enabled"] in self.GOOD[wanted]:
            self.change(active=active)
        else:
            # Which links systemctl makes is known only afterwards.
            self.change(enabled=wanted, active=active, links=None)

    def _refuse_absent(self) -> None:
        if not self.exists:
            raise CannotApply("there is no unit " + self.name)


class Package(Handle):
    """A package."""

    def __init__(self, overlay: Overlay, name: str) -> None:
        super().__init__(overlay, "package", name)
        resource = overlay.present.resources["package"]
        assert isinstance(resource, PackageResource)
        self.packages = resource

    @property
    def installed(self) -> bool:
        """True when it is installed and configured."""
        return str(self.state["status"]) == "installed"

    @property
    def version(self) -> Optional[str]:
        """The version, or None."""
        version: Optional[str] = self.state["version"]
        return version if self.installed else None

    def remove(self) -> None:
        """Be removed, configuration files kept; refused when others go along or when it could not be put back."""
        if not self.installed:
            return
        leaving = [name for name, state in self._planned() if state["status"] != "installed" and self._is_here(name)]
        refuse_company(self.packages.simulate("remove", [*leaving, self.name]), [*leaving, self.name])
        if not self.packages.obtainable(self.name, str(self.version)):
            raise CannotApply(
                "{} {} is in no repository and no cache, so it could not be put back; it is not removed".format(
                    self.name, self.version
                )
            )
        self.change(status="config-files", auto=False)

    def install(self) -> None:
        """Be installed with what it needs (no recommendations); refused when that would remove or upgrade anything."""
        if self.installed:
            return
        coming = [name for name, state in self._planned() if state["status"] == "installed" and not self._is_here(name)]
        simulated = self.packages.simulate("install", [*coming, self.name])
        if simulated.removals:
            raise CannotApply("installing {} would remove: {}".format(self.name, " ".join(sorted(simulated.removals))))
        if simulated.upgrades:
            raise CannotApply("installing {} would upgrade: {}".format(self.name, " ".join(sorted(simulated.upgrades))))
        for name, version in sorted(simulated.installs.items()):
            package = Package(self.overlay, name)
            if not package.installed:
                package.change(status="installed", version=version, auto=name != self.name.split(":")[0])
        if not self.installed:
            raise CannotApply("apt would not install " + self.name)

    def _planned(self) -> List[Any]:
        return [(name, state) for (kind, name), state in self.overlay.staged.items() if kind == "package"]

    def _is_here(self, name: str) -> bool:
        return str(self.overlay.present.first(("package", name))["status"]) == "installed"


class KernelModule(Handle):
    """A loadable kernel module."""

    def __init__(self, overlay: Overlay, name: str) -> None:
        super().__init__(overlay, "kernel_module", name)

    @property
    def loaded(self) -> bool:
        """True when it is loaded."""
        return bool(self.state["loaded"])

    def unload(self) -> None:
        """Not be loaded now."""
        resource = self.overlay.present.resources["kernel_module"]
        assert isinstance(resource, KernelModuleResource)
        if resource.is_built_in(self.name):
            raise CannotApply(self.name + " is built into this kernel and cannot be unloaded")
        users = resource.users(self.name)
        if self.loaded and users is not None and not users.startswith("0 "):
            raise CannotApply("{} is in use ({}), so it cannot be unloaded now".format(self.name, users))
        self.change(loaded=False)

    def load(self) -> None:
        """Be loaded now."""
        self.change(loaded=True)


class Mount(Handle):
    """A mounted file system."""

    def __init__(self, overlay: Overlay, path: str) -> None:
        super().__init__(overlay, "mount", path)

    @property
    def mounted(self) -> bool:
        """True when something is mounted there."""
        return bool(self.state["mounted"])

    @property
    def options(self) -> List[str]:
        """The live options of the mount."""
        return list(self.state["options"])

    def add_options(self, *options: str) -> None:
        """Have these options (`nodev`, `nosuid`, `noexec`) besides those it has."""
        self._refuse_absent()
        self.change(options=sorted({*self.options, *options}))

    def drop_options(self, *options: str) -> None:
        """Not have these options."""
        self._refuse_absent()
        self.change(options=sorted(set(self.options) - set(options)))

    def _refuse_absent(self) -> None:
        if not self.mounted:
            raise CannotApply(self.name + " is not mounted")


class Runtime(Handle):
    """Running state behind a reader and a writer."""

    def __init__(self, overlay: Overlay, name: str) -> None:
        super().__init__(overlay, "runtime", name)

    @property
    def text(self) -> str:
        """What the reader says."""
        return self.overlay.present.host.store.get(self.state["sha256"]).decode("utf-8", "surrogateescape")

    def set_text(self, text: str) -> None:
        """Have this text, in the reader's own fashion."""
        self.change(sha256=self.overlay.present.host.store.add(text.encode("utf-8", "surrogateescape")))
