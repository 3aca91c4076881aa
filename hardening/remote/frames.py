"""Cut a byte stream into the replies of single commands.

After a command's own bytes the executor writes `MARK ID CODE` on standard output and `MARK ID e` on standard
error. MARK is random and ID is the one that is due, so that no output can pass for the end of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes a command wrote on one stream; `exit_code` is None on standard error."""

    id: int
    exit_code: int | None
    payload: bytes


class FloodError(Exception):
    """A command wrote more than its limit."""

    def __init__(self, command_id: int) -> None:
        super().__init__(f"command {command_id} wrote too much")
        self.id = command_id


class FrameReader:
    """Collects one stream and gives complete frames. Everything before the ready line is noise of login scripts."""

    def __init__(self, mark: str) -> None:
        text = re.escape(mark.encode())
        self._ready = re.compile(text + rb" ready\n")
        self._end = re.compile(text + rb" (\d+) (\d+|e)\n")
        # The longest end line: a piece of it may be at the end of what has arrived.
        self._tail = len(mark) + 32
        self._buffer = bytearray()
        self._searched = 0
        self._due = {"out": 0, "err": 0}
        self.is_ready = False
        self.noise = b""

    def feed(self, received: bytes) -> None:
        """Take what arrived."""
        self._buffer += received

    def frames(self, limit_bytes: int) -> Iterator[Frame]:
        """Yield the frames that are complete; raise FloodError once the frame under way is over the limit."""
        if not self.is_ready and not self._skip_noise():
            return
        start = 0
        for found in self._end.finditer(self._buffer, self._searched):
            command_id, code = int(found[1]), found[2]
            stream = "err" if code == b"e" else "out"
            if command_id != self._due[stream]:
                continue
            self._due[stream] += 1
            payload = bytes(self._buffer[start : found.start()])
            start = found.end()
            if len(payload) > limit_bytes:
                raise FloodError(command_id)
            yield Frame(command_id, None if stream == "err" else int(code), payload)
        del self._buffer[:start]
        self._searched = max(0, len(self._buffer) - self._tail)
        if len(self._buffer) > limit_bytes + self._tail:
            raise FloodError(self._under_way())

    def _under_way(self) -> int:
        # A reader of one stream counts only that one; on a terminal both come in turn, and the lower count is due.
        counts = self._due.values()
        return max(counts) if 0 in counts else min(counts)

    def _skip_noise(self) -> bool:
        found = self._ready.search(self._buffer)
        if found is None:
            # A login that floods us must not fill our memory; its last words may say why it failed.
            self.noise = bytes(self._buffer[-4000:])
            if len(self._buffer) > 1_000_000:
                del self._buffer[:-4000]
            return False
        self.noise = bytes(self._buffer[: found.start()][-4000:])
        del self._buffer[: found.end()]
        self.is_ready = True
        return True
