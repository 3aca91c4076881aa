"""What follows from another incident is registered and told with it, and stands on its own when it outlives it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hardening.errors import BadFiles
from hardening.inspected import REACHABLE, Act, Incident, IncidentEvent, ItemSeen, Level, Reading, Verdict
from hardening.inspection.document_text import markdown_of
from hardening.inspection.grouping import Grouping, followers, in_groups, root_of
from hardening.inspection.incident_report import incident_document
from hardening.inspection.incidents import Registrar, Standing, by_person, incidents_of, pending
from hardening.inspection.items import load_items
from hardening.inspection.kinds import kinds
from hardening.inspection.listing import incident_row, print_incidents
from hardening.inspection.notify import message_of
from hardening.inspection.response import load_response
from tests.command_line import ROOT

TABLE = load_response([ROOT / "baselines"])
BEGIN = datetime(2026, 8, 21, 1, tzinfo=UTC)
GROUPING = Grouping(
    depends_on={
        "interface_port": ("service_web",),
        "interface_page": ("service_web", "interface_port"),
        "tomcat_http": ("tomcat_running",),
    },
    repeats={"service_stopped": {"service_web": "nginx.service", "service_cron": "cron.service"}},
)


def reading(item: str, verdict: Verdict = Verdict.CRITICAL, **more: Any) -> Reading:
    """Return a reading of one host."""
    held: dict[str, Any] = {"host": "web01", "subject": "", "level": Level.CORE, "taken_at": BEGIN, "value": "inactive"}
    return Reading(**{"item": item, "verdict": verdict, **held, **more})


def good(*items: str) -> list[Reading]:
    """Return good readings."""
    return [reading(item, Verdict.OK) for item in items]


class Register:
    """A register that lives in memory: runs go through the rules, one after the other, and are told each time."""

    def __init__(self) -> None:
        self.events: list[IncidentEvent] = []

    def run(self, minutes: int, *readings: Reading) -> list[str]:
        """Let a run say its readings, and return what happened: item and act."""
        at = BEGIN + timedelta(minutes=minutes)
        events = Registrar(table=TABLE, categories={}, now=at, grouping=GROUPING).decide(self.events, readings)
        self.events += events
        return [f"{self.known[event.number].first.item} {event.act.value}" for event in events]

    @property
    def known(self) -> dict[str, Incident]:
        """All incidents by number."""
        return incidents_of(self.events)

    def tell(self) -> dict[str, list[str]]:
        """Tell what is pending, and return by item of which consequences it was told with."""
        told = {}
        for incident, event in pending(self.known.values()):
            with_it = [each for each in followers(self.known.values()).get(incident.number, ()) if each.is_open]
            message = message_of(incident, event.act, TABLE, {}, with_it)
            told[incident.first.item] = [each.first.item for each in with_it]
            sent = {"result": "sent", "level": str(message.level)}
            self.events.append(IncidentEvent(number=incident.number, act=Act.NOTIFIED, at=BEGIN, by="me", told=sent))
        return told


def test_one_stopped_service_is_told_once_with_what_it_takes_along() -> None:
    """In whatever order it was read; all of it is registered, and all of it closes when the service is back."""
    register = Register()

    happened = register.run(0, reading("interface_page"), reading("interface_port"), reading("service_web"))
    assert happened == [
        *("service_web opened", "interface_port opened", "interface_page opened"),
        *("interface_port attached", "interface_page attached"),
    ]
    assert register.tell() == {"service_web": ["interface_port", "interface_page"]}
    assert register.tell() == {}
    assert register.run(5, reading("interface_page"), reading("interface_port"), reading("service_web")) == []
    ended = register.run(9, *good("interface_page", "interface_port", "service_web"))
    assert ended == ["service_web closed", "interface_port closed", "interface_page closed"]
    assert [each.consequence_of for each in register.known.values()] == ["", "INC-2026-0001", "INC-2026-0001"]


def test_what_is_independent_of_it_is_told_by_itself() -> None:
    """Another service, another host, and what was bad before."""
    register = Register()
    register.run(0, reading("interface_page"))
    assert register.tell() == {"interface_page": []}

    register.run(5, reading("interface_page"), reading("service_web"), reading("interface_port", host="web02"))
    assert register.tell() == {"service_web": [], "interface_port": []}
    assert not any(each.consequence_of for each in register.known.values())


def test_what_outlives_its_cause_stands_on_its_own() -> None:
    """It is told then, with the deadlines that it has had from the beginning."""
    register = Register()
    register.run(0, reading("service_web"), reading("interface_page"), reading("interface_port"))
    register.tell()

    assert register.run(5, *good("service_web", "interface_port"), reading("interface_page")) == [
        *("service_web closed", "interface_port closed", "interface_page detached"),
    ]
    assert register.tell() == {"interface_page": []}
    assert register.known["INC-2026-0002"].resolve_by == register.known["INC-2026-0001"].resolve_by
    assert register.run(9, *good("interface_page")) == ["interface_page closed"]


def test_a_cause_that_a_person_closed_and_that_is_still_there_keeps_what_follows() -> None:
    """It is registered anew, and what followed from the first follows from the second."""
    register = Register()
    register.run(0, reading("service_web"), reading("interface_port"))
    told = {"cause": "a", "handling": "b", "prevention": "c"}
    register.events.append(
        by_person(register.known["INC-2026-0001"], Act.CLOSED, by="me", now=BEGIN + timedelta(minutes=1), told=told)
    )
    assert pending(register.known.values()) == []

    assert register.run(5, reading("service_web"), reading("interface_port")) == [
        *("service_web opened", "interface_port attached"),
    ]
    assert register.known["INC-2026-0002"].consequence_of == "INC-2026-0003"
    assert register.tell() == {"service_web": ["interface_port"]}


def test_what_comes_and_goes_with_its_cause_stays_with_it() -> None:
    """Both are reopened; a cause that is held open and good now is none."""
    register = Register()
    both = reading("service_web"), reading("interface_port")
    for minutes in range(0, 70, 10):
        register.run(minutes, *(both if minutes % 20 == 0 else good("service_web", "interface_port")))
        assert register.tell().keys() <= {"service_web"}
    assert register.known["INC-2026-0001"].is_held

    assert register.run(70, *good("service_web"), reading("interface_port")) == [
        *("service_web recovered", "interface_port detached"),
    ]
    assert register.tell() == {"interface_port": []}


def test_a_graver_consequence_is_told_again() -> None:
    """Nobody hears of a level by way of a milder one; one that is milder is in the list alone."""
    register = Register()
    register.run(0, reading("service_web", Verdict.WARN))
    register.tell()

    register.run(5, reading("service_web", Verdict.WARN), reading("interface_port"))
    (told,) = pending(register.known.values())
    message = message_of(told[0], told[1].act, TABLE, {}, followers(register.known.values())[told[0].number])
    assert (told[0].first.item, told[0].level, message.level) == ("service_web", 2, 1)
    assert message.subject.startswith("[1] INC-2026-0001")
    assert message.document()["resolve_by"] == (BEGIN + timedelta(minutes=245)).isoformat()
    assert register.tell() == {"service_web": ["interface_port"]}
    register.run(7, reading("service_web", Verdict.WARN), reading("interface_port"), reading("interface_page"))
    assert register.tell() == {}


def test_nothing_follows_from_what_nobody_could_look_at() -> None:
    """A service of which nothing is known is not why a page is missing; nor is a host that is lost, whose items are."""
    register = Register()
    register.run(0, reading("service_web", Verdict.UNKNOWN), reading("interface_port"))
    assert register.tell() == {"service_web": [], "interface_port": []}

    lost = reading(REACHABLE), reading("service_web", Verdict.UNKNOWN), reading("interface_port", Verdict.UNKNOWN)
    assert register.run(5, *lost) == [f"{REACHABLE} opened"]


@pytest.mark.parametrize(
    ("subject", "follows"), [("tomcat-a", True), ("tomcat-a 8080", True), ("tomcat-ab 8080", False), ("", True)]
)
def test_only_the_same_object_and_its_parts_follow(subject: str, follows: bool) -> None:
    """Of two instances one is down, and the other has trouble of its own."""
    register = Register()
    register.run(0, reading("tomcat_running", subject="tomcat-a"), reading("tomcat_http", subject=subject))

    assert bool(register.known["INC-2026-0002"].consequence_of) is follows


def test_a_list_follows_while_everything_in_it_is_told_of() -> None:
    """What it names besides is nobody else's: then it is told by itself, also where it followed before."""
    register = Register()
    stopped = reading("service_stopped", value=["nginx.service"])
    assert "service_stopped attached" in register.run(0, reading("service_web"), stopped)
    register.tell()

    both = reading("service_stopped", value=["cron.service", "nginx.service"])
    assert register.run(5, reading("service_web"), reading("service_cron"), both) == ["service_cron opened"]
    assert register.tell() == {"service_cron": []}
    more = reading("service_stopped", value=["foo.service", "nginx.service"])
    assert register.run(9, reading("service_web"), *good("service_cron"), more) == [
        *("service_cron closed", "service_stopped detached"),
    ]
    assert register.tell() == {"service_stopped": []}
    unread = reading("service_stopped", Verdict.UNKNOWN, host="web02", value=None)
    register.run(12, reading("service_web", host="web02"), unread)
    assert register.tell() == {"service_web": [], "service_stopped": []}


def test_a_chain_is_told_by_its_root(capsys: pytest.CaptureFixture[str]) -> None:
    """And listed behind it; every paper of it names what it belongs to."""
    register = Register()
    register.run(0, reading("interface_port"))
    register.run(1, reading("other_thing", Verdict.WARN))
    register.run(5, reading("interface_port"), reading("interface_page", Verdict.WARN))
    known = register.known
    root, page = known["INC-2026-0001"], known["INC-2026-0003"]
    assert root_of(page, known) is root
    assert [each.number for each in in_groups(list(known.values()))] == [f"INC-2026-000{n}" for n in (1, 3, 2)]

    print_incidents(tuple(known.values()), BEGIN, UTC, lang="zh", owners={}, with_closed=False)
    said = capsys.readouterr().out.splitlines()
    assert said[1].endswith("连带于 INC-2026-0001")
    assert said[-1] == "3 未关闭（其中连带 1）"
    assert incident_row(root, BEGIN, followers(known.values())[root.number])["consequences"] == ["INC-2026-0003"]
    assert incident_row(page, BEGIN, ())["consequence_of"] == "INC-2026-0001"
    item = ItemSeen(id="interface_page", title="Pages", title_zh="页面", category="interface", method="http")
    for lang, words in (("zh", ("连带事件", "页面")), ("en", ("Consequences", "Pages"))):
        paper = incident_document(
            root,
            None,
            TABLE,
            now=BEGIN,
            lang=lang,
            is_brief=False,
            consequences=followers(known.values())[root.number],
            items={item.id: item},
        )
        text = markdown_of(paper)
        assert all(word in text for word in (*words, "INC-2026-0003"))
        own = markdown_of(incident_document(page, item, TABLE, now=BEGIN, lang=lang, is_brief=True))
        assert "INC-2026-0001" in own


def test_what_is_kept_from_host_to_host_is_what_is_worked_out_anew() -> None:
    """Also where something was purged in between."""
    register, standing = Register(), Standing()
    for minutes, verdict in ((0, Verdict.CRITICAL), (5, Verdict.OK), (9, Verdict.CRITICAL)):
        register.run(minutes, reading("service_web", verdict), reading("interface_port", verdict, host=f"w{minutes}"))
        assert standing.after(register.events) == register.known
    assert standing.after(list(register.events)) == register.known
    assert standing.after(register.events[:3]) == incidents_of(register.events[:3])
    purged = register.events[1:]
    assert standing.after(purged) == incidents_of(purged)
    assert standing.after([]) == {}


def test_a_group_is_listed_by_the_gravest_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """What is grave must not stand below because its cause is mild."""
    register = Register()
    register.run(0, reading("other_thing", Verdict.WARN, level=Level.CORE))
    register.run(5, reading("service_web", Verdict.WARN, level=Level.ORDINARY), reading("interface_port"))

    print_incidents(tuple(register.known.values()), BEGIN, UTC, lang="en", owners={}, with_closed=False)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in said[:-1]] == ["service_web", "interface_port", "other_thing"]


ITEM = """
  title: Something is well
  title_zh: 一切正常
  kind: failed_units
  critical_when: {any: true}
  advice: See what it is.
  advice_zh: 查明原因。
  not_proven: it is made up
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  depends_on: [demo_firts]\n", "demo_second: depends_on: demo_firts is no item; did you mean demo_first?"),
        (
            "  repeats: {demo_firts: x.service}\n",
            "demo_second: repeats: demo_firts is no item; did you mean demo_first?",
        ),
        ("  depends_on: [demo_second]\n", "demo_second would follow from itself: demo_second -> demo_second"),
        (
            "  depends_on: [demo_third]\n",
            "demo_second would follow from itself: demo_second -> demo_third -> demo_second",
        ),
        ("  depends_on: demo_first\n", "depends_on"),
    ],
)
def test_a_cause_that_makes_no_sense_is_said_at_its_line(tmp_path: Path, more: str, said: str) -> None:
    """One that no file defines, and one that leads back to where it began."""
    place = tmp_path / "inspection" / "items"
    place.mkdir(parents=True)
    third = f"demo_third:{ITEM}  depends_on: [demo_second]\n"
    (place / "demo.yml").write_text(f"demo_first:{ITEM}demo_second:{ITEM}{more}{third}", encoding="utf-8")

    with pytest.raises(BadFiles) as refused:
        load_items([tmp_path], kinds())

    assert said in str(refused.value)
    assert "demo.yml:17: " in str(refused.value)


def test_what_the_suite_brings_groups_a_stopped_web_server() -> None:
    """Its port, its pages, its workers and its place among the stopped units."""
    items = load_items([ROOT / "baselines"], kinds())

    follow = {name for name, item in items.items() if "service_web" in item.causes}
    assert {"interface_http_port", "interface_https_status", "nginx_workers", "service_enabled_stopped"} <= follow
