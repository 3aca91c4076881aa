"""The line to one host: one session after another, deadlines, and the replay of what a session left open.

A command that hangs, floods or kills its session must cost only its own answer. Whatever was sent and not
answered is asked again in a new session, the command it stopped at first and alone: what happens then is its doing.
Commands only read, or do what may be asked for twice (a lease, a confirmation), so that asking again does no harm.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence

from hardening.remote.ansible_session import AnsibleSession
from hardening.remote.diagnose import Trouble, too_slow, wrong_identity
from hardening.remote.errors import CommandTimeout, NoAnswer, OutputTooLarge, TransportLost
from hardening.remote.executor import Item, fork_depths
from hardening.remote.line_owner import Clockwork, LineOwner, Timer
from hardening.remote.session import Session, ShellFacts
from hardening.remote.values import Connection, Failure, Limits
from hardening.remote.watch import Verdict, Watch
from hardening.remote.work import Single, Work

# A host that needs more sessions than this is not scanned any further: something there ends them all.
_MOST_SESSIONS = 12
_BUSY_PAUSES_S = (0.3, 0.8, 2.0, 4.0)
# How long a session whose commands were killed may take to hand over what it had.
_FLUSH_S = 5.0
# Commands younger than this end by themselves when their line is cut.
_WORTH_A_FAREWELL_S = 1.0


class Line:
    """Sends works over whatever session there is."""

    def __init__(self, connection: Connection, limits: Limits, clockwork: Clockwork, owner: LineOwner) -> None:
        self.was_ready = False
        self.connect_s = 0.0
        self.execs = self.items = self.waves = 0
        self._connection = connection
        self._limits = limits
        self._clockwork = clockwork
        self._owner = owner
        self._session: Session | None = None
        self._past_bytes = [0, 0]
        self._connecting_at = 0.0
        self._pid = 0
        self._sent: dict[int, Work] = {}
        self._depths: dict[int, int] = {}
        self._last_id = 0
        self._answered_at = 0.0
        self._suspects: deque[Work] = deque()
        self._guilty: tuple[type[NoAnswer], str] | None = None
        self._watch: Watch | None = None
        # A session that ended while it was looked after.
        self._unexplained: tuple[Session, Trouble] | None = None
        # Watches whose process has not ended yet, the one above included.
        self._watches: dict[Watch, None] = {}
        self._timers: list[Timer] = []
        self._was_idle = False
        self._terminal = False
        self._tries = 0
        self._sessions = 0
        self._hung_up = False

    # -- what the owner calls

    def connect(self) -> None:
        """Start a session; may be called before there is anything to send."""
        if self._hung_up:
            return
        self._connecting_at = time.monotonic()
        self._sessions += 1
        self.execs += 1
        self._last_id = 0
        session = self._session = self._new_session()
        allowed_s = self._connection.connect_timeout_s + self._limits.login_s
        self._at(self._connecting_at + allowed_s, lambda: self._login_deadline(session, allowed_s))
        session.start()

    def _new_session(self) -> Session:
        if self._connection.transport == "ansible":
            return AnsibleSession(
                self._connection,
                owner=self,
                selector=self._clockwork.selector,
                room=self._clockwork.room,
                limits=self._limits,
            )
        return Session(
            self._connection,
            owner=self,
            selector=self._clockwork.selector,
            room=self._clockwork.room,
            output_bytes=self._limits.output_bytes,
            terminal=self._terminal,
        )

    @property
    def is_busy(self) -> bool:
        """True while answers are due."""
        return bool(self._sent or self._suspects)

    @property
    def takes_work(self) -> bool:
        """True when `send` would send at once."""
        alone = any(isinstance(work, _Suspect) for work in self._sent.values())
        return self._session is not None and not self._suspects and not alone

    def send(self, works: Sequence[Work]) -> None:
        """Send works, or first what is under suspicion: that runs alone."""
        session = self._session
        if session is None:
            return
        if self._suspects:
            if self._sent:
                return
            works = [self._suspects.popleft()]
        if not works:
            return
        if not self._sent:
            self._answered_at = time.monotonic()
        self.waves += 1
        self.items += len(works)
        # Answers come by groups: what is known to be quick is not kept waiting by what may take its time,
        # and what its answers lead to is on its way meanwhile.
        for group in ([work for work in works if work.is_quick], [work for work in works if not work.is_quick]):
            self._send_group(session, group)
        self._set_deadline()

    def _send_group(self, session: Session, works: Sequence[Work]) -> None:
        items = []
        for work, depth in zip(works, fork_depths(len(works), terminal=session.terminal), strict=True):
            self._last_id += 1
            self._sent[self._last_id] = work
            self._depths[self._last_id] = depth
            items.append(Item(self._last_id, work.shell))
        if items:
            session.send(items)

    def hang_up(self, *, at_once: bool) -> None:
        """End the line. What runs over there for a while already is killed over a second connection."""
        if self._hung_up:
            return
        self._hung_up = True
        session = self._session
        busy = bool(self._sent) and session is not None and session.is_ready
        watchable = session is not None and session.watchable
        if busy and watchable and self._watch is None and time.monotonic() - self._answered_at > _WORTH_A_FAREWELL_S:
            self._look_after(kill_at_once=True)
        elif not busy:
            for watch in list(self._watches):
                watch.kill()
        self._sent = {}
        self._suspects.clear()
        if session is not None:
            if at_once or busy:
                session.kill()
            else:
                session.close()
        self._check_ended()

    def cut(self) -> None:
        """End every process of this line without any ado."""
        self._hung_up = True
        for watch in list(self._watches):
            watch.kill()
        if self._session is not None:
            self._session.kill()
        self._check_ended()

    @property
    def bytes_out(self) -> int:
        """Bytes sent over all sessions."""
        return self._past_bytes[0] + (self._session.bytes_out if self._session is not None else 0)

    @property
    def bytes_in(self) -> int:
        """Bytes received over all sessions."""
        return self._past_bytes[1] + (self._session.bytes_in if self._session is not None else 0)

    # -- what the session calls

    def ready(self, session: Session, facts: ShellFacts) -> None:
        """Our shell answers. Who it runs as is proven before anything it says counts."""
        become = self._connection.become
        if become is not None and facts.user != become.user and not (become.user == "root" and facts.uid == 0):
            session.kill(wrong_identity(self._connection, facts.user))
            return
        self._tries = 0
        self._answered_at = time.monotonic()
        self._pid = facts.pid
        self._set_deadline()
        if not self.was_ready:
            self.was_ready = True
            self.connect_s = self._answered_at - self._connecting_at
            self._owner.line_proven(facts)
        self._owner.line_idle()

    def answered(self, session: Session, item: Item, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """A command ended."""
        self._answered_at = time.monotonic()
        self._was_idle = False
        work = self._sent.pop(item.id)
        work.settle(exit_code, stdout, stderr)
        self._owner.line_settled(work.questions)

    def flooded(self, session: Session, item: Item) -> None:
        """A command wrote too much: the rest is asked in a new session."""
        work = self._sent[item.id]
        # What was sent before it is asked again if need be; as the first it is the one that is called guilty.
        self._sent = {item.id: work, **{key: other for key, other in self._sent.items() if key != item.id}}
        limit = self._limits.output_bytes
        self._guilty = (OutputTooLarge, f"the command wrote more than {limit} bytes and was stopped")
        if self._watch is None and session.watchable:
            self._look_after(kill_at_once=True)

    def expired(self, session: Session, item: Item) -> None:
        """A command was ended over there because it took too long."""
        work = self._sent.pop(item.id)
        self._find_guilty()
        guilty, self._guilty = self._guilty, None
        if guilty is not None:
            self._convict(work, guilty)

    def ended(self, session: Session, trouble: Trouble) -> None:
        """The session is over."""
        self._past_bytes[0] += session.bytes_out
        self._past_bytes[1] += session.bytes_in
        if session is self._session:
            self._session = None
        if self._hung_up:
            self._check_ended()
        elif self._watch is not None:
            # Perhaps the watch ended it: what it says may be on its way still, and decides whose fault this is.
            self._unexplained = (session, trouble)
        else:
            self._go_on_after(session, trouble)

    def _go_on_after(self, session: Session, trouble: Trouble) -> None:
        if trouble.wants_terminal and not self._terminal and not self._connection.alone:
            self._terminal = True
            self._again(0.0)
        elif trouble.busy and self._tries < len(_BUSY_PAUSES_S):
            self._tries += 1
            # Not all at the same moment again: those that were turned away together would meet together.
            self._again(_BUSY_PAUSES_S[self._tries - 1] * (0.5 + secrets.randbelow(1000) / 1000))
        elif not session.is_ready or trouble.failure is Failure.NO_PRIVILEGE or self._sessions >= _MOST_SESSIONS:
            self._lose(trouble)
        else:
            self._replay(trouble)

    # -- sessions that fail

    def _login_deadline(self, session: Session, allowed_s: float) -> None:
        if session is self._session and not session.is_ready:
            session.kill(too_slow(self._connection, allowed_s, session.said))

    def _again(self, pause_s: float) -> None:
        """The same again after a pause: nothing of what was sent was looked at."""
        left, self._sent = list(self._sent.values()), {}
        for work in left:
            self._owner.line_left_open(work.questions)
        self._at(time.monotonic() + pause_s, self._connect_again)

    def _connect_again(self) -> None:
        self.connect()
        self._owner.line_idle()

    def _lose(self, trouble: Trouble) -> None:
        self._sent = {}
        self._suspects.clear()
        self._owner.line_lost(trouble)

    def _replay(self, trouble: Trouble) -> None:
        """Have asked again what the last session left open."""
        left, self._sent = list(self._sent.values()), {}
        guilty, self._guilty = self._guilty, None
        if left:
            first = left.pop(0)
            if guilty is not None or isinstance(first, _Suspect):
                self._convict(first, guilty or (TransportLost, trouble.sentence))
            else:
                self._suspect(first)
            for work in left:
                self._owner.line_left_open(work.questions)
        self.connect()
        self._owner.line_idle()

    def _suspect(self, work: Work) -> None:
        self._suspects.extend(_Suspect(question) for question in work.questions if not question.is_settled)

    def _convict(self, work: Work, verdict: tuple[type[NoAnswer], str]) -> None:
        if len(work.questions) > 1:
            # A fused read is not what anybody asked: each of its parts gets a chance.
            self._suspect(work)
            return
        kind, sentence = verdict
        for question in work.questions:
            question.problem = (kind, f"{sentence}: {question.command[:200]}")
        self._owner.line_settled(work.questions)

    # -- commands that take too long

    def _set_deadline(self) -> None:
        session = self._session
        if session is not None and session.watchable and session.is_ready and self._sent and self._watch is None:
            moment = self._answered_at + self._limits.command_s
            self._at(moment, lambda: self._command_deadline(session))

    def _command_deadline(self, session: Session) -> None:
        if session is not self._session or not self._sent or self._watch is not None or self._hung_up:
            return
        if time.monotonic() < self._answered_at + self._limits.command_s:
            self._set_deadline()
        else:
            self._look_after(kill_at_once=self._was_idle)

    def _look_after(self, *, kill_at_once: bool) -> None:
        """Look over a second connection what the shell is busy with, and kill it if it is over its time."""
        self.execs += 1
        watch = Watch(
            self._connection,
            pid=self._pid,
            depth=self._depths[next(iter(self._sent))],
            limit_s=0.0 if kill_at_once else self._limits.command_s,
            selector=self._clockwork.selector,
            room=self._clockwork.room,
            terminal=self._terminal,
            tell=self._watched,
            gone=self._watch_gone,
        )
        self._watch = watch
        self._watches[watch] = None
        allowed_s = self._connection.connect_timeout_s + self._limits.login_s
        self._at(time.monotonic() + allowed_s, watch.expire)
        watch.start()

    def _watched(self, verdict: Verdict) -> None:
        self._watch = None
        session = self._session
        unexplained, self._unexplained = self._unexplained, None
        if self._hung_up:
            self._check_ended()
        elif unexplained is not None:
            if verdict.seen == "killed":
                self._judge_killed(verdict)
            self._go_on_after(*unexplained)
        elif session is None:
            self._check_ended()
        elif verdict.seen == "young" and verdict.age_s is not None:
            # Not over its limit: others before it took their time.
            self._answered_at = time.monotonic() - verdict.age_s
            self._set_deadline()
        elif verdict.seen == "idle":
            # Between two commands, or the answers are on their way, or it hangs itself: the next look decides.
            self._was_idle = True
            self._answered_at = time.monotonic()
            self._set_deadline()
        elif verdict.seen == "killed":
            self._judge_killed(verdict)
            flooded = self._guilty is not None and self._guilty[0] is OutputTooLarge
            self._at(time.monotonic() + (0.0 if flooded else _FLUSH_S), session.kill)
        else:
            sentence = f"a command did not end in time, and a second connection failed: {verdict.trouble}"
            session.kill(Trouble(failure=Failure.LOST, sentence=sentence))

    def _judge_killed(self, verdict: Verdict) -> None:
        depth = self._depths.get(next(iter(self._sent), 0))
        hung_itself = verdict.age_s is None and depth == 1
        if hung_itself or (verdict.age_s is not None and verdict.age_s >= self._limits.command_s):
            self._find_guilty()

    def _find_guilty(self) -> None:
        if self._guilty is None:
            self._guilty = (CommandTimeout, f"the command did not end within {self._limits.command_s:g} s")

    def _watch_gone(self, watch: Watch) -> None:
        self._watches.pop(watch, None)
        self._check_ended()

    def _at(self, moment: float, action: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if timer.is_set]
        self._timers.append(self._clockwork.at(moment, action))

    def _check_ended(self) -> None:
        if self._hung_up and self._session is None and not self._watches:
            for timer in self._timers:
                timer.cancel()
            self._owner.line_ended()


class _Suspect(Single):
    """A question that may have ended a session: it runs alone."""

    __slots__ = ()
