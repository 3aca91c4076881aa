"""A small file tree that stands in for a host's, and a plan that writes into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hardening_core import CannotApply, Control, Host, System, carry_out
from hardening_core.restore import Undo

STATE = "/var/lib/hardening"


def control(subject: str, value: object = "1", **params: object) -> Control:
    """Return a control named for its subject."""
    return Control(id=f"linux_{subject}", target="host/linux", params=params, value=value)


def apply(
    root: Path, *controls: Control, campaign: str = "c1", plan: Any = None, **options: Any
) -> list[dict[str, Any]]:
    """Apply controls to a tree, as a module run on a host does."""
    return carry_out(plan or write_lines, controls, Host(str(root)), campaign=campaign, **options)


def undo(root: Path, *changes: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Take changes back, in the order given."""
    return Undo(changes, Host(str(root)), campaign="undo", **options).results


def write_lines(control: Control, system: System) -> None:
    """Do what the params name: `dropin`, `key` in `file`, `mode`, `sysctl`, `absent`, `content`; or `cannot`."""
    params = control.params
    if "dropin" in params:
        system.dropin(params["dropin"]).set(control.id, f"{control.id} = {control.value}")
    if "key" in params:
        system.file(params["file"]).set_key(params["key"], str(control.value), separator=" ")
    if "mode" in params:
        system.file(params["mode"]).set_mode(str(control.value))
    if "sysctl" in params:
        system.sysctl(params["sysctl"]).set(str(control.value))
    if "absent" in params:
        system.file(params["absent"]).remove()
    if "content" in params:
        system.file(params["content"]).set_text(str(control.value))
    if "cannot" in params:
        raise CannotApply(str(params["cannot"]))


def snapshot(root: Path) -> dict[str, tuple[int, int, int, bytes | None]]:
    """Return mode, owner, group and content of everything but what we keep for ourselves."""
    seen = {}
    for path in sorted(root.rglob("*")):
        name = "/" + str(path.relative_to(root))
        if name == "/var" or name.startswith("/var/lib"):
            continue
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        seen[name] = (status.st_mode, status.st_uid, status.st_gid, content)
    return seen


def changed(results: list[dict[str, Any]]) -> list[str]:
    """Return the ids of those that changed."""
    return [result["id"] for result in results if result["changed"]]


def failures(results: list[dict[str, Any]]) -> dict[str, str]:
    """Return the reasons of those that failed."""
    return {result["id"]: result["reason"] for result in results if result["failed"]}
