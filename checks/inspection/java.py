"""What a Java machine tells of itself without being asked: the performance file that HotSpot keeps up to date.

Nothing is attached to it and no tool of a JDK is needed. Source: jdk.internal.perf and the HotSpot sources' perfMemory.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

from checks import CannotLook, read

# The process's own /tmp, which systemd may have made private.
READ = 'for f in /proc/%s/root/tmp/hsperfdata_*/%s; do test -r "$f" && base64 -w 0 "$f"; done; true'
_MAGIC = b"\xca\xfe\xc0\xc0"
_PROLOGUE, _ENTRY = 32, 20


def counters(host: Any, pid: str, *, memo: bool = True) -> dict[str, int]:
    """Return the machine's counters by name. Raises CannotLook where it keeps none (-XX:-UsePerfData)."""
    own = read(host, "sed -n 's/^NSpid:.*[[:space:]]//p' /proc/%s/status", pid).strip()
    encoded = str(host.run(READ, pid, own, memo=memo).stdout).strip()
    if not encoded:
        raise CannotLook(f"the Java machine {pid} keeps no performance file")
    try:
        return parsed(base64.b64decode(encoded, validate=True))
    except (ValueError, struct.error, binascii.Error) as problem:
        raise CannotLook(f"the performance file of {pid} cannot be read: {problem}") from None


def parsed(content: bytes) -> dict[str, int]:
    """Return the whole numbers of a performance file. Raises ValueError or struct.error for what is none."""
    if content[:4] != _MAGIC:
        raise ValueError("it does not begin as one")
    order = "<" if content[4] == 1 else ">"
    entry, count = struct.unpack_from(f"{order}ii", content, _PROLOGUE - 8)
    found = {}
    for _ in range(count):
        length, name_at, _vector, kind, _flags, _units, _varies, data_at = struct.unpack_from(
            f"{order}iiibbbbi", content, entry
        )
        if length < _ENTRY:
            raise ValueError("an entry has no length")
        if kind == ord("J"):
            end = content.index(b"\0", entry + name_at)
            name = content[entry + name_at : end].decode("utf-8", "replace")
            found[name] = int(struct.unpack_from(f"{order}q", content, entry + data_at)[0])
        entry += length
    return found


def old_generation_use(told: dict[str, int]) -> tuple[int, int]:
    """Return the bytes that outlived their youth, and the bytes that they may take."""
    names = ("sun.gc.generation.1.space.0.used", "sun.gc.generation.1.maxCapacity")
    if not all(name in told for name in names):
        raise CannotLook("this Java machine's collector has no old generation")
    return told[names[0]], told[names[1]]


def collecting_ticks(told: dict[str, int]) -> int:
    """Return how long the collectors have stopped or worked since the start, in ticks of sun.os.hrt.frequency."""
    found = [ticks for name, ticks in told.items() if name.startswith("sun.gc.collector.") and name.endswith(".time")]
    if not found:
        raise CannotLook("this Java machine tells nothing of its collectors")
    return sum(found)
