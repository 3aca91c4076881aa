"""The register: every problem at its line, and the way through workbooks, CSV and NetBox without losing a row."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml
from openpyxl import load_workbook

from hardening.errors import AskedWrongly, BadFiles
from hardening.reports.resource_book import write_register, write_register_csv
from hardening.resources.columns import TableText, fields_of, heading
from hardening.resources.entries import ENTRIES, Level, LineType, Register
from hardening.resources.importing import read_tables, rejected_csv, take
from hardening.resources.netbox import netbox_document, read_netbox
from hardening.resources.register import load_register, register_schema, register_text
from tests.ledger_store.samples import clock

HOSTS = ("db01", "gw01", "web01")
GOOD = """\
---
hosts:
  web01: {system: Case service, level: core, mlps: 3, department: IT, owner: Li, location: Room 1, rack: R3,
          zone: business, form: virtual, cpus: 8, memory_gib: 7.5, disk_gib: 100, warranty_ends: 2027-03-31}
  db01:
    system: Case service
    purpose: "=cmd|' /C calc'!A0"
    level: important
    department: IT
    owner: 王伟
    location: 一号机房
    form: physical
lines:
  internet-1: {provider: Carrier, type: internet, bandwidth_mbps: 200, end_a: Room 1, end_b: ISP, department: IT,
               owner: Li, host: gw01, interface: eth0, backup_line: extranet, expires_on: 2026-12-31}
  extranet: {provider: Carrier, type: government_extranet, bandwidth_mbps: 50, end_a: Room 1, end_b: City,
             department: IT, owner: Li}
services:
  case-web: {system: Case service, level: core, department: IT, owner: Li, hosts: [web01, db01], ports: [80, 443]}
data:
  cases: {kind: database, category: Cases, classification: "3", host: db01, database: "postgresql:5432/cases",
          department: IT, owner: Li, capacity_gib: 50, backup_to: web01, backup_every: daily}
"""
BAD = """\
---
hosts:
  web01: {system: A, level: cor, department: IT, owner: Li, location: R, memry_gib: 3}
  web1: {system: A, level: core, department: IT, owner: Li}
lines:
  net: {provider: T, type: internet, bandwidth_mbps: -1, end_a: a, end_b: b, owner: x, department: y}
  two: {provider: T, type: leased, bandwidth_mbps: 1, end_a: a, end_b: b, owner: x, department: y, host: gw01}
  three: {provider: T, type: leased, bandwidth_mbps: 1, end_a: a, end_b: b, owner: x, department: y, backup_line: nett}
services:
  s: {system: A, level: core, department: IT, owner: Li, hosts: [web01, wep01], ports: [0]}
data:
  d: {kind: database, category: C, host: db01, department: IT, owner: Li}
servces: {}
"""


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """A register with an entry of every kind, and text that would be a formula."""
    path = tmp_path / "good.yml"
    path.write_text(GOOD)
    return load_register(path, hosts=HOSTS)


def test_a_register_is_read(register: Register) -> None:
    """Words, numbers and days as what they are."""
    assert register.hosts["web01"].level is Level.CORE
    assert register.hosts["web01"].warranty_ends == date(2027, 3, 31)
    assert register.lines["extranet"].type is LineType.GOVERNMENT_EXTRANET
    assert register.services["case-web"].ports == (80, 443)
    assert register.level_of("db01") is Level.CORE


def test_every_problem_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    """Misspelt words with the nearest one, missing fields, numbers that make no sense, names that lead nowhere."""
    path = tmp_path / "resources.yml"
    path.write_text(BAD)

    with pytest.raises(BadFiles) as wrong:
        load_register(path, hosts=HOSTS)

    said = str(wrong.value).replace(f"{path}:", "")
    for sentence in (
        "3: web01: level: 'cor' is none of core, important, general; did you mean core?",
        "3: web01: memry_gib is not known here; did you mean memory_gib?",
        "4: web1: location is missing",
        "4: web1 is not a host of the inventory; did you mean web01?",
        "6: net: bandwidth_mbps: input should be greater than 0",
        "7: two: `host` and `interface` belong together",
        "8: nett is not another line of this register",
        "10: s: ports.0: input should be greater than or equal to 1",
        "12: d: data of kind database names its `database`",
        "10: wep01 is not a host of the inventory; did you mean web01?",
        "13: servces is not a part of a register; did you mean services?",
    ):
        assert sentence in said


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2027-02-30", "2: 2027-02-30 is no date: day is out of range for month; quote it if it is a text"),
        ("31.12.2027", "2: a: warranty_ends: 31.12.2027 is no day; write it as 2027-12-31"),
        ("'2027-02-30'", "2: a: warranty_ends: 2027-02-30 is no day; write it as 2027-12-31"),
        ("2027", "2: a: warranty_ends: 2027 is no day; write it as 2027-12-31"),
        ("0x_", "2: 0x_ is no number: "),
    ],
)
def test_a_day_that_is_none_is_named_with_its_line(tmp_path: Path, day: str, sentence: str) -> None:
    """Also one that looks like a date to YAML, or a number, and is none."""
    path = tmp_path / "resources.yml"
    path.write_text(
        f"hosts:\n  a: {{system: S, level: core, department: IT, owner: Li, location: R, warranty_ends: {day}}}\n"
    )

    with pytest.raises(BadFiles) as wrong:
        load_register(path, hosts=("a",))

    assert sentence in str(wrong.value)


@pytest.mark.parametrize("text", ["[]\n", "hosts: [a]\n", "hosts: {a: 3}\n", "hosts: {1: {}}\n", "x: [\n"])
def test_what_is_no_register_is_refused(tmp_path: Path, text: str) -> None:
    """With a sentence, and never as a bug of ours."""
    path = tmp_path / "resources.yml"
    path.write_text(text)

    with pytest.raises(BadFiles, match=r"resources\.yml"):
        load_register(path)


def test_writing_and_reading_again_loses_nothing(register: Register, tmp_path: Path) -> None:
    """The text is a register, and the schema for editors takes it."""
    path = tmp_path / "resources.yml"
    path.write_text(register_text(register))

    assert load_register(path, hosts=HOSTS) == register
    held = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
    jsonschema.validate(held, register_schema())
    held["hosts"]["web01"]["level"] = "cor"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(held, register_schema())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_workbook_comes_back_as_it_went(register: Register, tmp_path: Path, lang: str) -> None:
    """In either language; a text that looks like a formula is text in the cell, and in the register again."""
    path = tmp_path / "register.xlsx"
    write_register(register, path, now=clock(), lang=lang)

    done = take(Register(), read_tables(path), hosts=HOSTS)

    assert done.rejected == ()
    assert done.register == register
    sheet = load_workbook(path).worksheets[0]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_csv_comes_back_as_it_went(register: Register, tmp_path: Path, lang: str) -> None:
    """One file for each kind, safe for spreadsheets."""
    tables: list[TableText] = []
    for kind in ENTRIES:
        path = tmp_path / f"{kind}.csv"
        write_register_csv(register, kind, path, lang=lang)
        assert "\n=" not in path.read_text("utf-8")
        assert ",=" not in path.read_text("utf-8")
        tables += read_tables(path, kind=kind)
    made = take(Register(), tables, hosts=HOSTS).register

    assert made == register


def test_rows_that_are_wrong_are_kept_with_their_reasons(register: Register, tmp_path: Path) -> None:
    """Row, column and reason of each; good rows are taken; what is rejected can be mended and imported again."""
    path = tmp_path / "hosts.csv"
    path.write_text(
        "名称,所属系统,业务等级,位置,责任部门,责任人,维保到期,CPU（核）\n"
        "web01,New name,核心,Room 2,IT,Li,2028/1/5,16\n"
        "web02,X,core,Room 2,IT,Li,,\n"
        "gw01,X,top,Room 2,IT,Li,,\n"
        "db01,X,core,Room 2,IT,,31.12.2027,many\n"
        "web01,X,core,Room 2,IT,Li,,\n"
        ",X,core,Room 2,IT,Li,,\n"
        "gw01,X,core,Room 2,IT,Li,,,extra\n",
        encoding="gb18030",
    )

    done = take(register, read_tables(path, kind="hosts"), hosts=HOSTS)

    assert done.changed == ("hosts/web01",)
    assert done.register.hosts["web01"].cpus == 16
    assert done.register.hosts["web01"].warranty_ends == date(2028, 1, 5)
    assert done.register.hosts["db01"] == register.hosts["db01"]
    assert done.register.lines == register.lines
    said = [str(each) for each in done.rejected]
    assert [each.row for each in done.rejected] == [3, 4, 5, 6, 7, 8]
    assert said[0] == "hosts: row 3, column 名称: web02 is not a host of the inventory; did you mean web01?"
    assert "column 业务等级: level: 'top' is none of core, important, general (核心, 重要, 一般)" in said[1]
    assert "warranty_ends" in said[2]
    assert "owner is missing" in said[2]
    assert "cpus" in said[2]
    assert "stands in row 2 already" in said[3]
    assert "the name is missing" in said[4]
    assert "1 cells more" in said[5]
    kept = rejected_csv(done.rejected)
    assert all(text in kept for text in ("web02", "31.12.2027", "many", "extra", "业务等级"))


def test_a_column_that_is_not_there_leaves_its_field(register: Register, tmp_path: Path) -> None:
    """A sheet of some columns changes those alone; an empty cell empties, and a new entry lacks what it needs."""
    path = tmp_path / "hosts.csv"
    path.write_text("名称,位置,机柜\nweb01,二号机房,\ngw01,二号机房,R1\n")

    done = take(register, read_tables(path, kind="hosts"), hosts=HOSTS)

    entry = done.register.hosts["web01"]
    assert (entry.location, entry.rack, entry.owner, entry.warranty_ends) == ("二号机房", "", "Li", date(2027, 3, 31))
    assert "owner is missing (there is no column Owner or 责任人)" in str(done.rejected[0])


@pytest.mark.parametrize("name", ["hosts.xlsx", "hosts.xls"])
def test_a_workbook_that_is_none_is_called_so(tmp_path: Path, name: str) -> None:
    """And is not taken for a CSV file whose kind was not said."""
    path = tmp_path / name
    path.write_bytes(b"\xd0\xcf\x11\xe0 an old workbook")

    with pytest.raises(AskedWrongly, match=r"no workbook of the kind \.xlsx"):
        read_tables(path)


def test_a_line_whose_backup_was_rejected_is_rejected_too(tmp_path: Path) -> None:
    """A name must lead somewhere after all rows were looked at, not before."""
    head = "Name,Provider,Type,Bandwidth (Mbit/s),End A,End B,Department,Owner,Backup line,Host,Interface\n"
    path = tmp_path / "lines.csv"
    path.write_text(
        f"{head}a,P,internet,1,x,y,IT,Li,b,,\nb,P,internet,1,x,y,IT,Li,,nohost,eth0\nc,P,internet,1,x,y,IT,Li,,,\n"
    )

    done = take(Register(), read_tables(path, kind="lines"), hosts=HOSTS)

    assert set(done.register.lines) == {"c"}
    assert {each.row for each in done.rejected} == {2, 3}
    assert done.added == ("lines/c",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"Nam,System\n", "did you mean Name"),
        (b"System,Owner\nx,y\n", "is missing"),
        (b"Name,Owner,Owner\n", "two columns"),
        (b"PK\x03\x04 no workbook", "no workbook"),
        (b'Name,Owner\n"x\n', "no CSV"),
        (b"\xff\xfe\x00\xd8", "neither"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """A column that nobody knows would be lost in silence, so the file is refused as a whole."""
    path = tmp_path / "hosts.csv"
    path.write_bytes(content)

    with pytest.raises(AskedWrongly, match=why):
        take(Register(), read_tables(path, kind="hosts"), hosts=HOSTS)


def test_a_csv_needs_its_kind(tmp_path: Path) -> None:
    """Nothing in a CSV file says what its rows are."""
    path = tmp_path / "x.csv"
    path.write_text("Name\n")

    with pytest.raises(AskedWrongly, match="--kind"):
        read_tables(path)


def test_netbox_takes_and_gives_back(register: Register, tmp_path: Path) -> None:
    """Hosts and lines through NetBox's JSON; sizes in its units beside our own fields."""
    path = tmp_path / "netbox.json"
    document = netbox_document(register)
    path.write_text(json.dumps(document))

    done = take(Register(), read_netbox(path), hosts=HOSTS)

    assert done.rejected == ()
    assert (done.register.hosts, done.register.lines) == (register.hosts, register.lines)
    machine = next(each for each in document["virtual_machines"] if each["name"] == "web01")  # type: ignore[union-attr, index, call-overload]
    assert (machine["vcpus"], machine["memory"], machine["disk"]) == (8, 7680, 107374)  # type: ignore[index, call-overload]


def test_netbox_answers_of_others_are_read(tmp_path: Path) -> None:
    """An answer of its API without our fields: what is missing is said for each row."""
    path = tmp_path / "answer.json"
    machine = {
        "name": "web01",
        "status": {"value": "offline"},
        "site": {"name": "Room 1"},
        "tenant": {"name": "IT"},
        "vcpus": 4.0,
        "memory": 8192,
        "disk": 100_000,
        "custom_fields": {"owner": "Li", "level": "core", "system": "S"},
    }
    path.write_text(json.dumps({"count": 2, "next": None, "results": [machine, {"name": "db01", "custom_fields": {}}]}))

    done = take(Register(), read_netbox(path), hosts=HOSTS)

    host = done.register.hosts["web01"]
    assert (host.cpus, host.memory_gib, host.disk_gib, host.state.value) == (4, 8.0, 93.132, "spare")
    assert "department is missing" in done.rejected[0].why


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("{", "no JSON"),
        ("{}", "no answer"),
        ('{"results": [], "next": "http://x"}', "one page of several"),
        ("[3]", "no object"),
        ('[{"x": 1}]', "neither a device"),
    ],
)
def test_what_is_no_netbox_answer_is_refused(tmp_path: Path, held: str, why: str) -> None:
    """Half an answer would look like a whole one."""
    path = tmp_path / "answer.json"
    path.write_text(held)

    with pytest.raises(AskedWrongly, match=why):
        read_netbox(path)


def test_every_field_has_a_column_in_both_languages() -> None:
    """A field that is added to the model without a heading is found here."""
    for kind in ENTRIES:
        names = [heading(field, lang) for field in fields_of(kind) for lang in ("en", "zh")]
        assert len(set(names)) >= len(fields_of(kind))
    assert take(Register(), [TableText(kind="hosts", headings=("Name",), rows=())], hosts=HOSTS).rejected == ()
