"""What we are about to write, on disk before it is written: `/var/lib/hardening/journal/<campaign>.jsonl`.

Lines: `{"event": "begin", "run"}`, for each control before the first write
`{"event": "plan", "run", "id", "target", "touches", "after_actions"}`, and `{"event": "end", "run", "failed"}`.
A run without its end was killed.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, Mapping, Sequence

from .errors import CannotApply
from .store import flush_directory, make_private_directory


class Journal:
    """The journal of one campaign on this host."""

    def __init__(self, directory: str, campaign: str) -> None:
        if not re.match(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", campaign):
            raise CannotApply("campaign " + repr(campaign) + " is no name: use letters, digits, dots, dashes")
        self.directory, self.campaign = directory, campaign
        self.path = os.path.join(directory, campaign + ".jsonl")

    def write(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Append events; they are on disk when this returns."""
        make_private_directory(self.directory)
        is_new = not os.path.exists(self.path)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            # A line cut off by a crash must not swallow ours.
            if file.tell() and not self._ends_with_newline():
                file.write(b"\n")
            for event in events:
                file.write(json.dumps(event, sort_keys=True).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            flush_directory(self.directory)

    def read(self) -> List[Dict[str, Any]]:
        """Return all whole events; a last line cut off by a crash is not one."""
        try:
            with open(self.path, "rb") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def unfinished(self) -> List[Dict[str, Any]]:
        """Return the plan events of runs that never ended, oldest first."""
        events = self.read()
        ended = {event.get("run") for event in events if event.get("event") == "end"}
        return [event for event in events if event.get("event") == "plan" and event.get("run") not in ended]

    def changes(self) -> List[Dict[str, Any]]:
        """Return every change of the campaign that may be in force, newest first, as an undo takes them."""
        events = self.read()
        failed = {
            (event.get("run"), key)
            for event in events
            if event.get("event") == "end"
            for key in event.get("failed") or {}
        }
        last: Dict[Any, Dict[str, Any]] = {}
        for event in events:
            key = (event.get("run"), "{}::{}".format(event.get("target"), event.get("id")))
            if event.get("event") == "plan" and key not in failed:
                last[key] = event
        return list(reversed(list(last.values())))

    def _ends_with_newline(self) -> bool:
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
