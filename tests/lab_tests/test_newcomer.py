"""What docs/resources.md and docs/inspection.md have a newcomer do, on two servers, with a clock that is moved."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import docx

from tests.command_line import ROOT, CommandLine
from tests.lab.inventory import write_inventory
from tests.lab.plugin import HostFactory

ZONE = "Asia/Shanghai"
# A week that is over: seven days back from the Monday before today.
MONDAY = (lambda now: now - timedelta(days=now.weekday() + 7))(datetime.now(ZoneInfo(ZONE))).date()
ENTRY = "system: Case service, level: important, mlps: 3, department: IT, owner: Li Na, location: Room 1"
REGISTER = """\
---
hosts:
  {database}: {{{entry}, zone: business, form: container}}
  {web}: {{{entry}, zone: business, form: container}}
lines:
  internet-1: {{provider: Carrier, type: internet, bandwidth_mbps: 200, end_a: Room 1, end_b: Carrier,
               department: IT, owner: Li Na, host: {web}, interface: host0, expires_on: {ends}}}
services:
  case-db: {{system: Case service, level: important, department: IT, owner: Li Na, hosts: [{database}], ports: [5432]}}
"""
REQUEST = """\
---
id: REQ-2026-001
system: Case service
services:
  portal: {instances: 2, vcpus: 0.1, memory_gib: 0.2, disk_gib: 1, level: important, zone: business, mlps: 3}
"""
DAILY = ("inspect", "run", "daily", "--category", "service", "--category", "interface", "-i", "lab.yml")


class Newcomer:
    """Somebody at a shell, at whatever moment of the week the test says."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def at(self, day: int, hour: int, *arguments: str) -> tuple[int, Any]:
        """Run a command on a day of the week at an hour; return its exit code and its JSON answer."""
        moment = f"{MONDAY + timedelta(days=day)} {hour:02}:05:00"
        argv = ["faketime", moment, sys.executable, str(ROOT / "cli.py"), *arguments, "--json"]
        done = subprocess.run(
            argv, cwd=self.place, env={**os.environ, "TZ": ZONE}, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1, 3), done.stderr
        return done.returncode, json.loads(done.stdout)


def test_a_newcomers_week(hardening: CommandLine, own_host: HostFactory) -> None:
    """Two servers and a line, a week, a placement, a forecast, a broken service, its end, the week's report."""
    database, web = own_host(services=("postgresql",)), own_host(image="debian13", services=("nginx",))
    place = hardening.place
    write_inventory(place / "lab.yml", [database, web])
    ends = MONDAY + timedelta(days=40)
    register = REGISTER.format(database=database.name, web=web.name, entry=ENTRY, ends=ends)
    (place / "resources.yml").write_text(register)
    (place / "request.yml").write_text(REQUEST)
    newcomer = Newcomer(place)

    # A week of looks and inspections; on Wednesday nginx stops, and somebody handles it.
    for day in range(5):
        if day == 2:
            web.run("systemctl stop nginx.service")
        code, _ = newcomer.at(day, 7, "resources", "collect", "-i", "lab.yml")
        assert code == 0
        code, run = newcomer.at(day, 8, *DAILY)
        assert (code, run["counts"]["critical"] > 0) == ((0, False), (1, True))[day == 2]
        if day == 2:
            _, listed = newcomer.at(day, 9, "incidents", "list")
            (stopped,) = (each for each in listed["incidents"] if each["item"] == "service_web")
            number = stopped["number"]
            told = ("--cause", "误操作停止", "--handling", "已启动", "--prevention", "限制 sudo")
            newcomer.at(day, 9, "incidents", "close", number, *told)
            web.run("systemctl start nginx.service")
    _, listed = newcomer.at(4, 10, "incidents", "list", "--all")
    left_open = [each["item"] for each in listed["incidents"] if each["state"] == "open"]
    _, due = newcomer.at(4, 10, "inspect", "due")
    _, forecast = newcomer.at(4, 10, "resources", "forecast")
    placed, placement = newcomer.at(4, 10, "resources", "plan", "request.yml", "-i", "lab.yml")

    # What stays a week afterwards is handed in at the present.
    of_week = ("reports", "write", "week", "--of", str(MONDAY))
    papers = [
        hardening(*of_week, "--to", "week-zh.docx", "--lang", "zh"),
        hardening(*of_week, "--to", "week-en.docx"),
        hardening("incidents", "report", number, "--to", "incident.docx", "--lang", "zh"),
        hardening("inspect", "report", "latest", "--to", "record.xlsx", "--to", "inspection.docx", "--lang", "zh"),
        hardening("status", "--verify"),
    ]

    assert [paper.code for paper in papers] == [0] * len(papers), [paper.err for paper in papers]
    assert left_open == []
    assert [each["missed"] for each in due["plans"] if each["plan"] == "daily"] == [[]]
    assert placed == 0
    assert {each["host"] for each in placement["placement"]["placed"]} == {database.name, web.name}
    outlooks = {(each["host"], each["subject"]): each for each in forecast["forecast"]}
    assert outlooks[database.name, "fs:/"]["days_seen"] == 5
    assert outlooks[database.name, "fs:/"]["outlook"] != "too_few"
    assert outlooks[web.name, "line:internet-1"]["limit"] == 200e6
    chinese, english = (words(place / f"week-{lang}.docx") for lang in ("zh", "en"))
    for text in (chinese, english):
        assert number in text
        assert "误操作停止; 已启动" in text
    assert "周运维报告" in chinese
    assert "续签线路合同" in chinese
    assert "Renew the line's contract" in english
    for name in ("week-zh", "incident", "inspection"):
        assert english_sentences(words(place / f"{name}.docx")) == [], name


def words(path: Path) -> str:
    """Return all text of a Word document."""
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)


def english_sentences(text: str) -> list[str]:
    """Return runs of three English words or more: names and commands are shorter."""
    return re.findall(r"[A-Za-z]+(?: [a-z]+){2,}", text)
