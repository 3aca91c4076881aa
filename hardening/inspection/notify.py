"""Tell people of incidents: a command of the house, e-mail, or a webhook as WeCom and DingTalk take it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from hardening.inspected import Act, Incident, IncidentEvent
from hardening.inspection.incidents import SENT
from hardening.inspection.response import EmailBody, NotifyBody, ResponseTable, WebhookBody
from hardening.model import Json
from hardening.redact import redact

PATIENCE_S = 20.0
# A chat cuts long messages off; the document for programs names all consequences.
NAMED_AT_MOST = 15


class NotSent(Exception):
    """A message did not go out; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is told of one incident with all that follows from it: `level` is that of the gravest of them."""

    incident: Incident
    act: Act
    subject: str
    text: str
    level: int
    consequences: tuple[tuple[Incident, str], ...] = ()

    def document(self) -> dict[str, Json]:
        """Return the message for a program."""
        incident = self.incident
        return {
            "number": incident.number,
            "act": self.act.value,
            "level": self.level,
            "host": incident.first.host,
            "item": incident.first.item,
            "object": incident.first.subject,
            "verdict": incident.worst.verdict.value,
            "value": incident.worst.value,
            "owner": incident.owner,
            "opened_at": incident.opened_at.isoformat(),
            "resolve_by": _iso(_first(each.resolve_by for each in self.told)),
            "consequences": [
                {
                    "number": each.number,
                    "level": each.level,
                    "item": each.first.item,
                    "title": title,
                    "object": each.first.subject,
                    "verdict": each.worst.verdict.value,
                    "value": each.worst.value,
                }
                for each, title in self.consequences
            ],
            "text": self.text,
        }

    @property
    def told(self) -> tuple[Incident, ...]:
        """The incident and its consequences."""
        return (self.incident, *(each for each, _ in self.consequences))


def message_of(
    incident: Incident,
    act: Act,
    table: ResponseTable,
    titles: Mapping[str, str],
    consequences: Sequence[Incident] = (),
) -> Message:
    """Return the message about an incident with its consequences, with local times; `titles` are those of items."""

    def local(moment: datetime | None) -> str:
        return "-" if moment is None else moment.astimezone(table.zone).strftime("%Y-%m-%d %H:%M")

    def title(of: Incident) -> str:
        return titles.get(of.first.item, of.first.item)

    told = (incident, *consequences)
    level = min(each.level for each in told)
    where = " ".join(part for part in (incident.first.host, incident.first.subject) if part)
    subject = f"[{level}] {incident.number} {where}: {title(incident)}"
    respond_by = _first(each.respond_by for each in told)
    resolve_by = _first(each.resolve_by for each in told)
    lines = [
        subject,
        _seen(incident),
        f"({incident.worst.threshold})",
        f"owner 责任人: {incident.owner}",
        f"opened 发生: {local(incident.opened_at)}   respond by 响应时限: {local(respond_by)}",
        f"resolve by 解决时限: {local(resolve_by)}",
    ]
    if consequences:
        lines.append(f"consequences 连带事件: {len(consequences)}")
    for each in consequences[:NAMED_AT_MOST]:
        of = f"{each.first.subject}: " if each.first.subject else ""
        lines.append(f"- [{each.level}] {each.number} {of}{title(each)}: {_seen(each)}")
    if len(consequences) > NAMED_AT_MOST:
        lines.append(f"- ... ({len(consequences) - NAMED_AT_MOST} more 其余)")
    return Message(
        incident=incident,
        act=act,
        subject=" ".join(subject.split()),
        text="\n".join(lines),
        level=level,
        consequences=tuple((each, title(each)) for each in consequences),
    )


def _seen(incident: Incident) -> str:
    value = json.dumps(incident.worst.value, ensure_ascii=False)[:300]
    return f"{incident.worst.verdict.value}: {value} {incident.worst.reason}".strip()


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def tell(
    messages: Sequence[Message], table: ResponseTable, *, by: str, now: Callable[[], datetime]
) -> tuple[IncidentEvent, ...]:
    """Send every message over every way that is for its level; return what to record of it.

    One incident is told when all its ways took it. A way that failed does not keep the others from being used.
    """
    events = []
    for message in messages:
        ways = [way for way in table.notify if message.level in way.levels]
        failures = []
        for way in ways:
            try:
                _send(way, message)
            except NotSent as problem:
                failures.append(f"{_kind(way)}: {problem}")
        if ways:
            told = {
                "result": SENT if not failures else "; ".join(failures),
                "ways": ", ".join(map(_kind, ways)),
                "level": str(message.level),
            }
            number = message.incident.number
            events.append(IncidentEvent(number=number, act=Act.NOTIFIED, at=now(), by=by, told=told))
    return tuple(events)


def _kind(way: NotifyBody) -> str:
    if way.webhook is not None:
        return f"webhook {way.webhook.format}"
    return "e-mail" if way.email is not None else "command"


def _send(way: NotifyBody, message: Message) -> None:
    if way.command is not None:
        _run(way.command, message)
    elif way.email is not None:
        _mail(way.email, message)
    elif way.webhook is not None:
        _post(way.webhook, message)


def _run(command: Sequence[str], message: Message) -> None:
    """Run a program with the message as one JSON document on its standard input."""
    document = json.dumps(message.document(), ensure_ascii=False)
    try:
        done = subprocess.run(
            list(command), input=document, text=True, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotSent(redact(str(problem))[:200]) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotSent(redact(f"{command[0]} answered {done.returncode}: {said[-1] if said else ''}")[:200])


def _mail(where: EmailBody, message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, where.sender, ", ".join(where.to)
    mail.set_content(message.text)
    try:
        with smtplib.SMTP(where.server, where.port, timeout=PATIENCE_S) as server:
            if where.starttls:
                server.starttls()
            if where.user is not None:
                server.login(where.user, _secret(where.password_file))
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as problem:
        raise NotSent(redact(str(problem))[:200]) from None


def _post(where: WebhookBody, message: Message) -> None:
    url = where.url or _secret(where.url_file)
    if not url.startswith(("https://", "http://")):
        raise NotSent("the address is neither https nor http")
    if where.secret_file is not None:
        url = _signed(url, _secret(where.secret_file), int(time.time() * 1000))
    body: dict[str, Json] = {"msgtype": "text", "text": {"content": message.text}}
    sent = json.dumps(message.document() if where.format == "json" else body, ensure_ascii=False).encode()
    request = urllib.request.Request(url, data=sent, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - http(s) only, see above
            said = answer.read(65536)
    except (OSError, urllib.error.URLError) as problem:
        # The address may hold the key to the chat, so it is not repeated.
        raise NotSent(
            f"the webhook did not take it: {getattr(problem, 'reason', problem)}".replace(url, "...")
        ) from None
    if where.format != "json":
        _check_answer(said)


def _check_answer(said: bytes) -> None:
    """Raise NotSent unless the chat's own answer says that it took the message: it answers 200 to refusals, too."""
    try:
        code = json.loads(said).get("errcode")
    except (ValueError, AttributeError):
        raise NotSent("the webhook answered what is no JSON object") from None
    if code != 0:
        raise NotSent(redact(f"the webhook refused it: {said[:150].decode('utf-8', 'replace')}"))


def _signed(url: str, secret: str, now_ms: int) -> str:
    """Return the address with DingTalk's signature: HMAC-SHA256 over `time\\nsecret`, in base64."""
    digest = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
    query = urllib.parse.urlencode({"timestamp": now_ms, "sign": base64.b64encode(digest).decode()})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _secret(path: str | None) -> str:
    if path is None:
        raise NotSent("no file with the secret is named")
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as problem:
        raise NotSent(f"{path}: cannot be read: {problem.strerror}") from None
