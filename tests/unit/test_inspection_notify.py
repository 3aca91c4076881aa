"""Messages really leave: to a webhook, a mail server and a command of this machine; refusals are said and kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from hardening.inspected import Act, Level, Reading, Verdict
from hardening.inspection.incidents import Registrar, incidents_of
from hardening.inspection.notify import Message, message_of, tell
from hardening.inspection.response import ResponseTable, load_response
from tests.command_line import ROOT

NOW = datetime(2026, 8, 21, 1, tzinfo=UTC)
TABLE = load_response([ROOT / "baselines"])


def message(table: ResponseTable) -> Message:
    """Return what is told of a full disk."""
    reading = Reading(
        host="db01",
        item="capacity_disk_space",
        subject="/",
        level=Level.CORE,
        verdict=Verdict.CRITICAL,
        taken_at=NOW,
        value=95.0,
    )
    events = Registrar(table=table, categories={}, now=NOW).decide([], [reading])
    return message_of(incidents_of(events)["INC-2026-0001"], Act.OPENED, table, {reading.item: "文件系统剩余空间充足"})


def sent_over(*ways: dict[str, Any]) -> dict[str, str]:
    """Send one message over the ways, and return what is recorded of it."""
    table = ResponseTable.model_validate({**TABLE.model_dump(by_alias=True), "notify": list(ways)})
    (event,) = tell([message(table)], table, by="me", now=lambda: NOW)
    return dict(event.told)


class Webhook:
    """A chat's webhook on this machine: keeps what came, and answers what it is told to."""

    def __init__(self) -> None:
        self.came: list[tuple[str, Any]] = []
        self.answer, self.status = b'{"errcode": 0}', 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.came.append((self.path, json.loads(body)))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send?key=abc"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that listens."""
    made = Webhook()
    yield made
    made.close()


def test_wecom_gets_a_text_message(webhook: Webhook, tmp_path: Path) -> None:
    """In its own format; the address comes from a file, as it holds the key."""
    (tmp_path / "url").write_text(webhook.url + "\n")

    told = sent_over({"levels": [1], "webhook": {"format": "wecom", "url_file": str(tmp_path / "url")}})

    assert told["result"] == "sent"
    path, body = webhook.came[0]
    assert path == "/send?key=abc"
    assert body["msgtype"] == "text"
    assert "INC-2026-0001" in body["text"]["content"]
    assert "文件系统剩余空间充足" in body["text"]["content"]
    assert "2026-08-21 13:00" in body["text"]["content"]  # resolve by, in Shanghai


def test_dingtalk_gets_a_signature(webhook: Webhook, tmp_path: Path) -> None:
    """HMAC-SHA256 of the time and the secret, as anybody can work out again."""
    (tmp_path / "secret").write_text("SEC123")

    told = sent_over(
        {
            "levels": [1],
            "webhook": {"format": "dingtalk", "url": webhook.url, "secret_file": str(tmp_path / "secret")},
        }
    )

    query = urllib.parse.parse_qs(urllib.parse.urlsplit(webhook.came[0][0]).query)
    due = hmac.new(b"SEC123", f"{query['timestamp'][0]}\nSEC123".encode(), hashlib.sha256).digest()
    assert told["result"] == "sent"
    assert base64.b64decode(query["sign"][0]) == due


def test_a_refusal_with_status_200_is_a_refusal(webhook: Webhook) -> None:
    """Both chats answer 200 and an error code."""
    webhook.answer = b'{"errcode": 93000, "errmsg": "invalid webhook url"}'

    told = sent_over({"levels": [1], "webhook": {"format": "wecom", "url": webhook.url}})

    assert "invalid webhook url" in told["result"]


@pytest.mark.parametrize("status", [404, 500])
def test_an_error_of_the_server_is_said_without_the_address(webhook: Webhook, status: int) -> None:
    """The key in the address must not get into the ledger."""
    webhook.status = status

    told = sent_over({"levels": [1], "webhook": {"format": "json", "url": webhook.url}})

    assert told["result"].startswith("webhook json: the webhook did not take it")
    assert "key=abc" not in told["result"]


def test_a_way_that_fails_keeps_no_other_from_being_used(webhook: Webhook) -> None:
    """And the message stays pending, as not all were told."""
    told = sent_over(
        {"levels": [1], "command": ["/no/such/program"]},
        {"levels": [1], "webhook": {"format": "json", "url": webhook.url}},
    )

    assert len(webhook.came) == 1
    assert webhook.came[0][1]["number"] == "INC-2026-0001"
    assert told["result"].startswith("command: ")


def test_a_level_that_nobody_wants_to_hear_of_is_not_sent(webhook: Webhook) -> None:
    """Nor recorded as told."""
    table = ResponseTable.model_validate(
        {
            **TABLE.model_dump(by_alias=True),
            "notify": [{"levels": [3], "webhook": {"format": "json", "url": webhook.url}}],
        }
    )

    assert tell([message(table)], table, by="me", now=lambda: NOW) == ()
    assert webhook.came == []


def test_a_command_gets_one_document(tmp_path: Path) -> None:
    """On its standard input; what it answers decides."""
    program = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    told = sent_over({"levels": [1], "command": [sys.executable, "-c", program, str(tmp_path / "came")]})
    refused = sent_over({"levels": [1], "command": [sys.executable, "-c", "import sys; sys.exit('no duty today')"]})

    assert told["result"] == "sent"
    assert json.loads((tmp_path / "came").read_text())["level"] == 1
    assert "answered 1: no duty today" in refused["result"]


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Speak as much SMTP as a client needs to hand a message over."""
        came: list[bytes] = self.server.came  # type: ignore[attr-defined]  # set by the test
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while (part := self.rfile.readline()) != b".\r\n":
                    came.append(part)
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


def test_a_mail_server_takes_the_message() -> None:
    """With subject, sender and receivers."""
    with socketserver.TCPServer(("127.0.0.1", 0), _MailHandler) as server:
        server.came = []  # type: ignore[attr-defined]  # read by the handler
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        email = {"server": "127.0.0.1", "port": server.server_address[1], "sender": "a@example.internal"}
        told = sent_over({"levels": [1], "email": {**email, "to": ["ops@example.internal"]}})
        server.shutdown()
        thread.join()
        text = b"".join(server.came).decode()  # type: ignore[attr-defined]  # set above

    assert told["result"] == "sent"
    assert "To: ops@example.internal" in text
    assert "INC-2026-0001" in text


def test_no_mail_server_is_said() -> None:
    """A port where nothing listens."""
    email = {"server": "127.0.0.1", "port": 1, "sender": "a@example.internal", "to": ["b@example.internal"]}

    assert sent_over({"levels": [1], "email": email})["result"].startswith("e-mail: ")
