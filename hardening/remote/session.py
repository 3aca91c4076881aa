"""One shell on the other side: its process, what is said before it is ours, and the bytes both ways.

A session never blocks and never waits: the hub calls it when a descriptor is ready, and it calls its owner.
"""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from hardening.remote.diagnose import Trouble, diagnose, no_password, refused_password
from hardening.remote.executor import Item, batch_script, boot_script
from hardening.remote.frames import FloodError, Frame, FrameReader
from hardening.remote.launch import Dialogue, Launch, launch
from hardening.remote.values import Connection, Failure, Secret

_READ_BYTES = 256 * 1024
# ssh closes its outputs and ends within a millisecond; what does not is killed.
_LAST_BREATH_S = 0.5


@dataclass(frozen=True, kw_only=True)
class ShellFacts:
    """What our shell said of itself once it was ours: who it runs as, its process id, the locale of its messages."""

    user: str
    uid: int
    pid: int
    locale: str


class Owner(Protocol):
    """Who a session reports to."""

    def ready(self, session: Session, facts: ShellFacts) -> None:
        """The shell is ours."""

    def answered(self, session: Session, item: Item, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """A command ended."""

    def flooded(self, session: Session, item: Item) -> None:
        """A command wrote more than its limit; the session is of no more use."""

    def expired(self, session: Session, item: Item) -> None:
        """A command was over its time and was ended; the session lives on."""

    def ended(self, session: Session, trouble: Trouble) -> None:
        """The session is over, whoever ended it."""


class Session:
    """A started shell. `send` may be called at once: what is sent waits until the shell is ours."""

    # True where a hanging command is found and killed over a second connection.
    watchable = True

    def __init__(
        self,
        connection: Connection,
        *,
        owner: Owner,
        selector: selectors.BaseSelector,
        room: Path,
        output_bytes: int,
        terminal: bool = False,
    ) -> None:
        self.connection = connection
        self.is_ready = False
        self.is_over = False
        self.bytes_in = self.bytes_out = 0
        self._owner = owner
        self._selector = selector
        self._output_bytes = output_bytes
        self._mark = secrets.token_hex(12)
        self._launch: Launch = launch(connection, mark=self._mark, room=room, terminal=terminal)
        self._readers: dict[int, FrameReader] = {}
        self._items: dict[int, Item] = {}
        self._half: dict[int, Frame] = {}
        self._said: dict[int, bytearray] = {}
        self._typed_after: int | None = None
        self._unsent = bytearray()
        self._waiting_for_login = bytearray()
        self._ask_fd: int | None = None
        self._trouble: Trouble | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process. Reports `ended` at once where it cannot be started."""
        try:
            process = self._process = self._launched()
        except FileNotFoundError:
            sentence = f"{self._launch.argv[0]} is not installed on this machine"
            self._over(Trouble(failure=Failure.NO_CLIENT, sentence=sentence))
            return
        except OSError as error:
            # Too many open files, no memory, no process left: it says nothing of the host.
            sentence = f"this machine cannot start another session: {error.strerror}"
            self._over(Trouble(failure=Failure.NO_CLIENT, sentence=sentence))
            return
        os.set_blocking(_pipe(process.stdin).fileno(), False)
        for pipe in (_pipe(process.stdout), _pipe(process.stderr)):
            os.set_blocking(pipe.fileno(), False)
            self._readers[pipe.fileno()] = FrameReader(self._mark)
            self._said[pipe.fileno()] = bytearray()
            self._selector.register(pipe.fileno(), selectors.EVENT_READ, self._readable)
        boot = boot_script(self._mark, terminal=self._launch.terminal).encode()
        self._items[0] = Item(0, "")
        if self._launch.dialogue is None:
            self._write(boot + bytes(self._waiting_for_login))
        else:
            self._waiting_for_login[:0] = boot

    def _launched(self) -> subprocess.Popen[bytes]:
        if self._launch.password_fifo is not None:
            # The password waits in kernel memory only, and is read once.
            self._ask_fd = os.open(self._launch.password_fifo, os.O_RDWR | os.O_NONBLOCK)
            password = self.connection.password or Secret("")
            os.write(self._ask_fd, password.reveal().encode() + b"\n")
        return subprocess.Popen(
            self._launch.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=self._launch.environment,
            start_new_session=True,
        )

    def send(self, items: Sequence[Item]) -> None:
        """Send commands; their answers come in this order."""
        self._items.update((item.id, item) for item in items)
        text = batch_script(items, terminal=self._launch.terminal).encode("utf-8", "surrogateescape")
        if self._process is None or (self._launch.dialogue is not None and not self.is_ready):
            self._waiting_for_login += text
        else:
            self._write(text)

    def close(self) -> None:
        """Let the shell end by itself: it reads the end of its input."""
        if self.is_over:
            return
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            if self._launch.terminal:
                # A terminal in raw mode knows no end of input.
                self.kill()
                return
            self._forget(self._process.stdin.fileno())
            self._process.stdin.close()

    def kill(self, trouble: Trouble | None = None) -> None:
        """End the local process group at once; `trouble` is what the owner is told then."""
        self._trouble = self._trouble or trouble
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._finish()

    @property
    def terminal(self) -> bool:
        """True when both outputs come as one stream through a pty."""
        return self._launch.terminal

    @property
    def said(self) -> str:
        """What came before the shell was ours, for the message of a failed login; no secret in it."""
        raw = b"\n".join(bytes(said) for said in self._said.values()).decode("utf-8", "replace")
        dialogue = self._launch.dialogue
        if dialogue is not None and dialogue.secret is not None and dialogue.secret.reveal():
            raw = raw.replace(dialogue.secret.reveal(), "***")
        return raw.replace(self._mark, "")

    def _readable(self, fd: int, _events: int) -> None:
        try:
            received = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._forget(fd)
            del self._readers[fd]
            if not self._readers:
                self._finish()
            return
        self.bytes_in += len(received)
        if not self.is_ready:
            self._said[fd] += received[:4000]
            del self._said[fd][:-8000]
            dialogue = self._launch.dialogue
            if dialogue is not None and self._waiting_for_login and not self._talk(fd, dialogue):
                return
        reader = self._readers[fd]
        reader.feed(received)
        try:
            for frame in reader.frames(self._output_bytes):
                self._take(frame)
                if self.is_over:
                    return
        except FloodError as overflow:
            # Stop reading: what is still to come stays on the other side until the command is killed.
            for each in self._readers:
                self._forget(each)
            self._owner.flooded(self, self._items[overflow.id])

    def _talk(self, fd: int, dialogue: Dialogue) -> bool:
        """Go on with the login dialogue; True once we are through."""
        heard = bytes(self._said[fd])
        if dialogue.granted.search(heard):
            text = bytes(self._waiting_for_login)
            self._waiting_for_login.clear()
            self._write(text)
            return True
        if dialogue.prompt.search(heard) is None:
            return False
        if dialogue.secret is None:
            self.kill(no_password(self.connection))
        elif self._typed_after is None:
            self._typed_after = self.bytes_in
            self._said[fd].clear()
            self._write(dialogue.secret.reveal().encode() + b"\n")
        else:
            self.kill(refused_password(self.connection))
        return False

    def _take(self, frame: Frame) -> None:
        other = self._half.pop(frame.id, None)
        if other is None:
            self._half[frame.id] = frame
            return
        out, err = (other, frame) if frame.exit_code is None else (frame, other)
        item = self._items.pop(frame.id)
        if frame.id == 0:
            self.is_ready = True
            for said in self._said.values():
                said.clear()
            self._owner.ready(self, shell_facts(out.payload))
        else:
            self._owner.answered(self, item, out.exit_code or 0, out.payload, err.payload)

    def _write(self, text: bytes) -> None:
        self.bytes_out += len(text)
        self._unsent += text
        self._flush()

    def _flush(self) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        fd = self._process.stdin.fileno()
        try:
            while self._unsent:
                del self._unsent[: os.write(fd, self._unsent[:65536])]
        except BlockingIOError:
            if fd not in self._selector.get_map():
                self._selector.register(fd, selectors.EVENT_WRITE, lambda _fd, _events: self._flush())
            return
        except OSError:
            # The other side is gone; the end of its outputs follows and tells why.
            self._unsent.clear()
        self._forget(fd)

    def _forget(self, fd: int) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(fd)

    def _finish(self) -> None:
        if self.is_over:
            return
        exit_code = None
        if self._process is not None:
            try:
                exit_code = self._process.wait(timeout=_LAST_BREATH_S)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._over(self._trouble or self._why(exit_code))

    def _why(self, exit_code: int | None) -> Trouble:
        complaints = ""
        if self._launch.complaints is not None and self._launch.complaints.exists():
            complaints = self._launch.complaints.read_text(errors="replace")
        return diagnose(
            self.connection, ready=self.is_ready, complaints=complaints, said=self.said, exit_code=exit_code
        )

    def _over(self, trouble: Trouble) -> None:
        self.is_over = True
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None and not pipe.closed:
                    self._forget(pipe.fileno())
                    pipe.close()
        if self._ask_fd is not None:
            os.close(self._ask_fd)
            self._ask_fd = None
        for leftover in self._launch.leftovers:
            leftover.unlink(missing_ok=True)
        self._owner.ended(self, trouble)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("a process was started without a pipe")
    return pipe


def shell_facts(answer: bytes) -> ShellFacts:
    lines = answer.decode("utf-8", "replace").splitlines()
    lines += ["", "", ""]
    identity = lines[0].split(" ", 1)[0]
    uid, _, name = identity.removeprefix("uid=").partition("(")
    return ShellFacts(
        user=name.rstrip(")") or uid,
        uid=int(uid) if uid.isdigit() else -1,
        pid=int(lines[1]) if lines[1].isdigit() else 0,
        locale=lines[2],
    )
