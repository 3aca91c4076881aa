"""The process that holds one ansible-runner run: `python -m hardening.ansible.worker ROOM`.

It reads `ROOM/order.json`, writes one JSON line per event to standard output, and outlives neither its parent nor
its deadline: when standard input closes, everything it started is ended and the room removed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from hardening.ansible.reap import MARK, end_processes_of

# Events that carry a result of a host; the others only count tasks or bring text.
RESULTS = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")
TEXT_KEPT = 8_000
_PR_SET_CHILD_SUBREAPER = 36


class Worker:
    """One run: forwards what matters of each event, and stops everything when told."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.mark = os.environ[MARK]
        self.text = ""
        self.deadline_passed = False
        self._stopping = threading.Event()
        # Nothing but our lines goes to the parent: what libraries print goes nowhere.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line to the parent."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def on_event(self, event: dict[str, Any]) -> bool:
        """Forward an event; False keeps ansible-runner from storing it."""
        name, data = event.get("event", ""), event.get("event_data") or {}
        if name == "playbook_on_task_start":
            self.send({"type": "task"})
        elif name in RESULTS:
            result = data.get("res")
            if isinstance(result, dict):
                result.pop("invocation", None)
            self.send({"type": name, "host": data.get("host"), "play": data.get("play"), "result": result})
        elif event.get("stdout"):
            self.text = f"{self.text}\n{event['stdout']}"[-TEXT_KEPT:]
        return False

    def run(self, order: dict[str, Any]) -> None:
        """Work the order off and say how it ended."""
        import ansible_runner  # late: the watch over our parent must stand before anything slow is done

        clock = threading.Timer(order["deadline_s"], self._too_late)
        clock.daemon = True
        clock.start()
        trouble = None
        try:
            ansible_runner.run(
                private_data_dir=str(self.room / "runner"),
                project_dir=order["cwd"],
                playbook=order["playbook"],
                inventory=order["inventory"],
                cmdline=order["cmdline"],
                event_handler=self.on_event,
                settings={"pexpect_timeout": 1, "suppress_ansible_output": True, "suppress_output_file": True},
                quiet=True,
            )
        except Exception as problem:
            # Reported, not swallowed: the parent has asked for results and will miss them.
            trouble = f"{type(problem).__name__}: {problem}"
        clock.cancel()
        end_processes_of(self.mark)
        self.send({"type": "end", "deadline_passed": self.deadline_passed, "trouble": trouble, "text": self.text})

    def watch_parent(self, parent: int) -> None:
        """Stop everything when the parent closes our standard input or is gone."""
        while True:
            readable, _, _ = select.select([0], [], [], 1.0)
            if (readable and not os.read(0, 1)) or os.getppid() != parent:
                end_processes_of(self.mark)
                shutil.rmtree(self.room, ignore_errors=True)
                os._exit(1)

    def _too_late(self) -> None:
        self.deadline_passed = True
        end_processes_of(self.mark)


def main() -> None:
    """Run the order in the room that the command line names."""
    room = Path(sys.argv[1])
    # Orphans of the run come to us instead of to init, so that none is out of sight.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker = Worker(room)
    threading.Thread(target=worker.watch_parent, args=(os.getppid(),), daemon=True).start()
    worker.run(json.loads((room / "order.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
