"""The same batches through Ansible's own connection plugins: slow (one `ansible` run each), for what ssh cannot reach.

The shell text travels as one `raw` command without a blank or a brace, so that neither Ansible's templating nor its
splitting sees anything to work on. Answers come back as hexadecimal lines, which no callback and no pty can change.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hardening.remote.diagnose import Trouble
from hardening.remote.executor import Item, boot_script, line_for
from hardening.remote.frames import FloodError, FrameReader
from hardening.remote.session import Owner, Session, ShellFacts, shell_facts
from hardening.remote.values import Connection, Failure, Limits

# Linux takes at most 128 KiB in one argument, and the text is escaped more than once on its way.
_MOST_TEXT_BYTES = 24 * 1024
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:,@+-")
_HEX_LINE = re.compile(rb"^([OE])((?: +[0-9a-f]{2})+)\r?$", re.MULTILINE)
_UNREACHABLE = re.compile(r"UNREACHABLE! => (\{.*\})", re.DOTALL)

# Two streams, each as lines of bytes; 3 leads to the second od.
_FRAME = """\
hx_hex() {{ od -An -v -tx1 | sed "s/^/$1/"; }}
{{ {{ {{
{boot}{lines}}} </dev/null 2>&3 3>&- | hx_hex O >&4; }} 3>&1 | hx_hex E; }} 4>&1
"""
# No second connection can look after a command here: timeout(1) ends it over there, where there is one.
_TIMED = """\
_hx(){{ _hi=$1 _hc=$2; shift 2
if command -v timeout >/dev/null 2>&1; then
_hb=`date +%s`
timeout -k 1 {seconds} /bin/sh -c "$_hc"; _hr=$?
case $_hr in 124|137) if [ $((`date +%s` - _hb)) -ge {seconds} ]; then echo "$_hm late $_hi"; fi;; esac
(exit $_hr)
else (eval "$_hc"); fi
_hy "$_hi"; }}
"""


class AnsibleSession(Session):
    """A session that is no shell of its own: every batch starts Ansible once."""

    watchable = False

    def __init__(
        self,
        connection: Connection,
        *,
        owner: Owner,
        selector: selectors.BaseSelector,
        room: Path,
        limits: Limits,
    ) -> None:
        self.connection = connection
        self.is_ready = self.is_over = False
        self.bytes_in = self.bytes_out = 0
        self._owner = owner
        self._selector = selector
        self._limits = limits
        self._waiting: deque[Item] = deque([Item(0, 'id; echo 0; echo "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}"')])
        self._running: list[Item] = []
        self._mark = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._heard: dict[int, bytearray] = {}
        self._closing = False

    @property
    def terminal(self) -> bool:
        return False

    @property
    def said(self) -> str:
        return b"\n".join(bytes(heard) for heard in self._heard.values()).decode("utf-8", "replace")[-4000:]

    def start(self) -> None:
        """Ask who we are; what is sent meanwhile goes along."""
        self._run_next()

    def send(self, items: Sequence[Item]) -> None:
        """Queue commands for the next run."""
        self._waiting.extend(items)
        self._run_next()

    def close(self) -> None:
        """Nothing runs between batches."""
        self.kill()

    def kill(self, trouble: Trouble | None = None) -> None:
        """End a run that is under way."""
        if self.is_over:
            return
        self._reap(kill=True)
        self._end(trouble or Trouble(failure=Failure.LOST, sentence="the run of Ansible was ended"))

    def _run_next(self) -> None:
        if self._process is not None or self.is_over or not self._waiting:
            return
        batch, text = self._next_batch()
        self._running = batch
        argv = self._argv(text)
        self.bytes_out += len(text)
        environment = {
            **os.environ,
            "ANSIBLE_STDOUT_CALLBACK": "minimal",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
        }
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError:
            self._end(Trouble(failure=Failure.NO_CLIENT, sentence="ansible is not installed on this machine"))
            return
        except OSError as error:
            sentence = f"this machine cannot start another session: {error.strerror}"
            self._end(Trouble(failure=Failure.NO_CLIENT, sentence=sentence))
            return
        self._process = process
        self._heard = {}
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._heard[pipe.fileno()] = bytearray()
                self._selector.register(pipe.fileno(), selectors.EVENT_READ, self._hear)

    def _next_batch(self) -> tuple[list[Item], str]:
        self._mark = secrets.token_hex(12)
        boot = boot_script(self._mark, terminal=False, greet=False)
        boot += _TIMED.format(seconds=f"{max(1.0, self._limits.command_s):.0f}")
        batch: list[Item] = []
        lines = 'echo "$_hm ready"; echo "$_hm ready" >&2\n'
        while self._waiting and (not batch or len(lines) < _MOST_TEXT_BYTES):
            item = self._waiting.popleft()
            # Numbered from 0 in each run: the reader of frames counts.
            lines += line_for(Item(len(batch), item.command), guarded=True)
            batch.append(item)
        return batch, _FRAME.format(boot=boot, lines=lines)

    def _argv(self, text: str) -> list[str]:
        escaped = "".join(
            chr(byte) if byte in _SAFE else f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape")
        )
        beside = Path(sys.executable).with_name("ansible")
        program = str(beside) if beside.exists() else (shutil.which("ansible") or "ansible")
        argv = [program, self.connection.name, "-m", "raw", "-a", f"printf {shlex.quote(escaped)} | /bin/sh -s"]
        for inventory in self.connection.ansible_inventory:
            argv += ["-i", inventory]
        become = self.connection.become
        if become is not None:
            argv += ["--become", "--become-user", become.user, "--become-method", become.method]
        return [*argv, "--timeout", str(max(1, round(self.connection.connect_timeout_s)))]

    def _hear(self, fd: int, _events: int) -> None:
        try:
            received = os.read(fd, 262144)
        except BlockingIOError:
            return
        if received:
            self.bytes_in += len(received)
            self._heard[fd] += received
            # Three characters for every byte, and all commands of the run together.
            if len(self._heard[fd]) > 4 * self._limits.output_bytes * max(1, len(self._running)):
                self._flood()
            return
        self._selector.unregister(fd)
        if not any(each in self._selector.get_map() for each in self._heard):
            self._finish_run()

    def _flood(self) -> None:
        """One of the commands writes without end: which one, only a run of each alone can tell."""
        self._reap(kill=True)
        if len(self._running) == 1:
            self._owner.flooded(self, self._running[0])
        self._end(Trouble(failure=Failure.LOST, sentence="the answers of a run of Ansible were too large"))

    def _finish_run(self) -> None:
        self._reap(kill=False)
        heard = b"".join(bytes(each) for each in self._heard.values())
        batch, self._running = self._running, []
        try:
            replies = self._replies(heard, len(batch))
        except FloodError as flood:
            self._running = batch
            self._owner.flooded(self, batch[flood.id])
            self._end(Trouble(failure=Failure.LOST, sentence="a command wrote more than its limit"))
            return
        if len(replies) < len(batch):
            self._end(self._failure(heard.decode("utf-8", "replace")))
            return
        for item, (exit_code, stdout, stderr, late) in zip(batch, replies, strict=True):
            if item.id == 0:
                self.is_ready = True
                self._owner.ready(self, self._facts(stdout))
            elif late:
                self._owner.expired(self, item)
            else:
                self._owner.answered(self, item, exit_code, stdout, stderr)
            if self.is_over:
                return
        self._run_next()

    def _replies(self, heard: bytes, count: int) -> list[tuple[int, bytes, bytes, bool]]:
        streams = {b"O": bytearray(), b"E": bytearray()}
        for found in _HEX_LINE.finditer(heard):
            streams[found[1]] += bytes.fromhex(found[2].decode())
        frames = []
        for stream in streams.values():
            reader = FrameReader(self._mark)
            reader.feed(bytes(stream))
            frames.append(list(reader.frames(self._limits.output_bytes)))
        replies = []
        for out, err in zip(*frames, strict=False):
            payload, found, _ = out.payload.partition(f"{self._mark} late {out.id}\n".encode())
            replies.append((out.exit_code or 0, payload, err.payload, bool(found)))
        return replies[:count]

    def _facts(self, stdout: bytes) -> ShellFacts:
        return shell_facts(stdout)

    def _failure(self, heard: str) -> Trouble:
        found = _UNREACHABLE.search(heard)
        if found is not None:
            with suppress(ValueError):
                message = " ".join(str(json.loads(found[1]).get("msg", "")).split())
                return Trouble(
                    failure=Failure.OTHER, sentence=f"Ansible cannot reach {self.connection.name}: {message}"
                )
        lines = [line.strip() for line in heard.splitlines() if line.strip()]
        last = lines[-1][:300] if lines else "it said nothing"
        if re.search(r"(?i)become|sudo|password", last):
            return Trouble(failure=Failure.NO_PRIVILEGE, sentence=f"Ansible could not become another user: {last}")
        return Trouble(failure=Failure.OTHER, sentence=f"Ansible gave no answers of {self.connection.name}: {last}")

    def _reap(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill and process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                with suppress(KeyError, ValueError):
                    self._selector.unregister(pipe.fileno())
                pipe.close()

    def _end(self, trouble: Trouble) -> None:
        if not self.is_over:
            self.is_over = True
            self._owner.ended(self, trouble)
