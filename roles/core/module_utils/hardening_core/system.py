"""What a kind's planning function is given: every resource of the host, as it would be after the plan so far."""

from __future__ import annotations

import fnmatch
import glob
from typing import Any, Dict, Optional

from .blocks import Blocks
from .errors import CannotApply
from .file_handle import FileHandle
from .host import Host, Ran
from .overlay import Overlay
from .resource_handles import Handle, KernelModule, Mount, Package, Runtime, Sysctl, Unit


class System:
    """The host. Ask it for resources; what you set on them is planned, and written only when all plans are good."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self.host: Host = overlay.present.host
        self.shared: Dict[str, Any] = {}

    def file(self, path: str, *, follow: bool = True) -> FileHandle:
        """A file, directory or link."""
        return FileHandle(self.overlay, path, follow=follow)

    def dropin(self, path: str, *, comment: str = "#", mode: str = "0644", preamble: str = "") -> Dropin:
        """A file with one block per control; made when missing, gone with its last block."""
        return Dropin(self.file(path), comment=comment, mode=mode, preamble=preamble)

    def sysctl(self, key: str) -> Sysctl:
        """A running kernel parameter."""
        return Sysctl(self.overlay, key)

    def unit(self, name: str) -> Unit:
        """A systemd unit."""
        return Unit(self.overlay, name)

    def package(self, name: str) -> Package:
        """A package."""
        return Package(self.overlay, name)

    def kernel_module(self, name: str) -> KernelModule:
        """A loadable kernel module."""
        return KernelModule(self.overlay, name)

    def mount(self, path: str) -> Mount:
        """A mounted file system, live."""
        return Mount(self.overlay, path)

    def runtime(self, name: str) -> Runtime:
        """Running state behind commands: `audit-rules`, `nftables`."""
        return Runtime(self.overlay, name)

    def resource(self, kind: str, name: str) -> Handle:
        """Any kind of resource by its name, for states as they are."""
        if kind not in self.overlay.present.resources:
            raise CannotApply("no resource is called " + kind)
        return Handle(self.overlay, kind, name)

    def ask(self, *argv: str) -> Ran:
        """What a reading program says: asked once per module run, however many controls ask."""
        return self.host.ask_once(argv)

    def after(self, action: str) -> None:
        """Have this done once after all writes, if anything changes: `reload:UNIT`, `restart:UNIT`, `run:NAME`."""
        self.overlay.act(action)

    def glob(self, pattern: str) -> list[str]:
        """Paths that match, sorted; planned files included, planned removals not."""
        root = self.host.root
        found = {path[len(root) :] for path in glob.glob(root + pattern)}
        for kind, name in self.overlay.staged:
            if kind == "file" and fnmatch.fnmatch(name, pattern) and name.count("/") == pattern.count("/"):
                found.add(name)
        return sorted(path for path in found if self.file(path, follow=False).exists)


class Dropin:
    """A file of blocks."""

    def __init__(self, file: FileHandle, *, comment: str, mode: str, preamble: str) -> None:
        self.file = file
        self.comment = comment
        self.mode = mode
        self.preamble = preamble

    def get(self, key: str) -> Optional[str]:
        """The block of a control."""
        return Blocks.parse(self.file.text).blocks.get(key)

    def set(self, key: str, text: str) -> None:
        """Have this block for a control: `key` is its id (`control.id`, or `id @instance`)."""
        blocks = Blocks.parse(self.file.text)
        headed = blocks.headed(existed=self.file.exists, comment=self.comment, preamble=self.preamble)
        self.file.set_text(headed.with_block(key, text).text, mode=self.mode)

    def remove(self, key: str) -> None:
        """Have no block for a control; the file goes with its last block if we made it."""
        if not self.file.exists:
            return
        blocks = Blocks.parse(self.file.text).without(key)
        if blocks.is_gone:
            self.file.remove()
        else:
            self.file.set_text(blocks.text)
