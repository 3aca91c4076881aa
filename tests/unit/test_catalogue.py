"""The catalogue is files: what is wrong in them is said all at once, with file and line, before anything is touched."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hardening.bundle import bundle_root
from hardening.catalogue import Catalogue, check_roles, load_catalogue, select
from hardening.errors import AskedWrongly, BadFiles, Exit
from hardening.kinds import kinds
from hardening.schemas import json_schemas

GOOD = """\
---
sshd_x11:
  title: Graphical sessions are not forwarded
  title_zh: 禁用转发
  why: Because of the keyboard.
  severity: low
  kind: sshd.option
  with: {option: X11Forwarding}
  want: "no"
  broken: "yes"
sshd_tries:
  title: A connection has few tries
  title_zh: 限制次数
  why: Because guessing gets cheaper.
  severity: high
  kind: sshd.option
  with: {option: MaxAuthTries}
  want: {at_most: 4}
  broken: "9"
"""
PROFILE = "---\ntitle: Mine\ntitle_zh: 我的基线\ncontrols:\n  sshd_x11: {}\n"


def baselines(tmp_path: Path, controls: str = GOOD, **profiles: str) -> Path:
    """Write a directory of baselines and return it."""
    root = tmp_path / "baselines"
    (root / "sshd").mkdir(parents=True)
    (root / "profiles").mkdir()
    (root / "sshd" / "a.yml").write_text(controls, encoding="utf-8")
    for name, text in (profiles or {"mine": PROFILE}).items():
        (root / "profiles" / f"{name}.yml").write_text(text, encoding="utf-8")
    return root


def problems(root: Path) -> list[str]:
    """Return every problem of a directory, as the user reads them."""
    with pytest.raises(BadFiles) as caught:
        load_catalogue([root], kinds())
    assert caught.value.exit is Exit.ASKED_WRONGLY
    return [str(problem) for problem in caught.value.problems]


def load(root: Path) -> Catalogue:
    """Load one directory."""
    return load_catalogue([root], kinds())


def test_the_shipped_catalogue_is_sound() -> None:
    """Everything we ship loads, has a role where it can be fixed, and every profile has controls."""
    catalogue = load_catalogue([bundle_root() / "baselines"], kinds())

    check_roles(catalogue, kinds())

    assert all(profile.requirements for profile in catalogue.profiles.values())


def test_a_control_is_read_whole(tmp_path: Path) -> None:
    """What stands in the file is what the control says, with its line."""
    control = load(baselines(tmp_path)).control("sshd_tries")

    assert (control.want, control.set_to, control.broken, control.source.line) == ({"at_most": 4}, 4, "9", 11)


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (
            "sshd.option",
            "sshd.optionn",
            "baselines/sshd/a.yml:7: sshd.optionn is not a kind; did you mean sshd.option?",
        ),
        ("severity: low", "severity: lo", "baselines/sshd/a.yml:6: sshd_x11: severity: 'lo' is none of low, medium"),
        (
            "option: X11Forwarding",
            "option: 7",
            "baselines/sshd/a.yml:8: sshd_x11.with: option: input should be a valid string",
        ),
        ("option: X11Forwarding", "optoin: X", "did you mean option?"),
        ('want: "no"', "want: {at_mots: 1}", "baselines/sshd/a.yml:9: sshd_x11: want: at_mots is not a matcher"),
        ('want: "no"', "want: {}", "wants nothing"),
        ('want: "no"', "want: [a]", "a list says not what to do with it"),
        ('  broken: "yes"\n', "", "broken (or break) is missing"),
        ('  broken: "yes"\n', '  brokn: "yes"\n', "did you mean broken?"),
        ("sshd_x11:", "nginx_x11:", "must begin with sshd_"),
        ("sshd_tries:", "sshd_x11:", "sshd_x11 stands twice; first in line 2"),
        ('want: "no"', 'want: "no', "broken YAML"),
        ('want: "no"', 'want: {matches: "^n"}', "say with `set` what to write"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    """One slip gives one clear sentence that names the file and the line."""
    found = problems(baselines(tmp_path, GOOD.replace(wrong, right, 1), mine=PROFILE))

    assert any(said in problem for problem in found), found


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    """Two slips in one file and one in another are three problems of one error."""
    text = GOOD.replace("severity: low", "severity: lo").replace("severity: high", "severity: hi")
    found = problems(baselines(tmp_path, text, mine=PROFILE.replace("sshd_x11", "sshd_nothing")))

    assert len(found) == 3


def test_a_profile_that_names_no_control_is_told_the_nearest(tmp_path: Path) -> None:
    """`did you mean` helps with a misspelt control."""
    found = problems(baselines(tmp_path, mine=PROFILE.replace("sshd_x11", "sshd_x12")))

    assert found == ["baselines/profiles/mine.yml:5: sshd_x12 is not a control; did you mean sshd_x11?"]


def test_a_profile_cannot_weaken_a_value_unnoticed(tmp_path: Path) -> None:
    """Asking for less than the control does is refused, unless the profile gives its reason."""
    weaker = PROFILE.replace("sshd_x11: {}", "sshd_tries: {want: {at_most: 6}}")
    found = problems(baselines(tmp_path, mine=weaker))
    assert "sshd_tries is weaker here than in baselines/sshd/a.yml:11" in found[0]

    said = weaker.replace("6}}", "6}, because: The standard asks for no more than that}")
    loaded = load(baselines(tmp_path / "said", mine=said)).profile("mine")
    assert (loaded.requirements[0].control.want, loaded.requirements[0].control.set_to) == ({"at_most": 6}, 6)


def test_a_profile_extends_another(tmp_path: Path) -> None:
    """What is inherited stays, what is said again wins, and a circle is an error."""
    child = "---\ntitle: More\ntitle_zh: 更多基线\nextends: mine\ncontrols:\n  sshd_tries: {want: {at_most: 3}}\n"
    profile = load(baselines(tmp_path, mine=PROFILE, more=child)).profile("more")
    assert [(r.control.id, r.control.want) for r in profile.requirements] == [
        ("sshd_x11", "no"),
        ("sshd_tries", {"at_most": 3}),
    ]

    circle = problems(baselines(tmp_path / "circle", mine=PROFILE + "extends: more\n", more=child))
    assert any("extends itself" in problem for problem in circle)


def test_an_unknown_clause_is_refused(tmp_path: Path) -> None:
    """A clause that the standard does not have would be evidence for nothing."""
    found = problems(baselines(tmp_path, mine=PROFILE.replace("sshd_x11: {}", 'sshd_x11: {clauses: ["9.9"]}')))

    assert "9.9 is not a clause" in found[0]


def test_the_digest_follows_what_decides_a_verdict(tmp_path: Path) -> None:
    """Another wanted value is another profile; another title is not."""
    first = load(baselines(tmp_path)).profile("mine").digest
    title = load(baselines(tmp_path / "t", GOOD.replace("Graphical", "All graphical"))).profile("mine").digest
    value = load(baselines(tmp_path / "v", GOOD.replace('want: "no"', 'want: "yes"'))).profile("mine").digest

    assert first == title
    assert first != value


def test_filters_that_leave_nothing_are_an_error(tmp_path: Path) -> None:
    """A run with zero controls would be green by accident."""
    profile = load(baselines(tmp_path)).profile("mine")

    with pytest.raises(AskedWrongly, match="nothing would be checked"):
        select(profile, severity_rank=3)
    with pytest.raises(AskedWrongly, match="did you mean sshd_x11"):
        select(profile, controls=["sshd_x1"])
    with pytest.raises(AskedWrongly, match="not a component"):
        select(profile, components=["ssh"])


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt profile is asked wrongly."""
    with pytest.raises(AskedWrongly, match="did you mean mine"):
        load(baselines(tmp_path)).profile("mime")


def shipped_schemas() -> dict[str, Any]:
    """Return the schemas of the catalogue we ship."""
    return json_schemas(kinds(), load_catalogue((bundle_root() / "baselines",), kinds()).controls)


def test_editors_find_nothing_to_complain_about_in_what_we_ship() -> None:
    """Every file of the catalogue is valid under the schema of its sort, and every schema is one."""
    schemas = shipped_schemas()
    root = bundle_root() / "baselines"
    sorts = {"profiles": "profile.schema.json", "standards": "standard.schema.json"}
    checked = Counter[str]()

    for path in root.glob("*/*.yml"):
        if path.parent.name in ("inspection", "cleaning"):
            continue  # These have models and schemas of their own (test_inspection_schemas.py).
        name = sorts.get(path.parent.name, "controls.schema.json")
        jsonschema.Draft202012Validator.check_schema(schemas[name])
        # Dates and such are texts to an editor, as they are in JSON.
        document = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
        assert [str(e) for e in jsonschema.Draft202012Validator(schemas[name]).iter_errors(document)] == [], path
        checked[name] += 1
    assert set(checked) == set(schemas)


@pytest.mark.parametrize(
    "slip",
    [
        {"kind": "sshd.opton"},
        {"with": {"optoin": "X11Forwarding"}},
        {"with": {"option": 3}},
        {"with": None},
        {"want": {"at_mots": 3}},
        {"want": {"each": {"at_mots": 3}}},
        {"want": {}},
        {"want": ["no"]},
        {"severity": "minor"},
        {"danger": "lockot"},
        {"why": None},
        {"broken": None},
        {"serverity": "low"},
        {"manual": "Somebody decides."},
    ],
)
def test_editors_are_told_of_a_slip(slip: dict[str, Any]) -> None:
    """What `baseline check` refuses, the schema refuses as well; a None here takes the key away."""
    control = {
        "title": "Graphical sessions are not forwarded",
        "title_zh": "禁用 X11 转发",
        "why": "A server that draws on a client's screen can read its keyboard.",
        "severity": "medium",
        "kind": "sshd.option",
        "with": {"option": "X11Forwarding"},
        "want": "no",
        "broken": "yes",
    }
    validator = jsonschema.Draft202012Validator(shipped_schemas()["controls.schema.json"])
    wrong = {key: value for key, value in {**control, **slip}.items() if value is not None}

    assert validator.is_valid({"sshd_x11_forwarding": control})
    assert not validator.is_valid({"sshd_x11_forwarding": wrong})


def test_editors_know_which_controls_a_profile_can_name() -> None:
    """A misspelt control is no control."""
    validator = jsonschema.Draft202012Validator(shipped_schemas()["profile.schema.json"])
    profile = {"title": "Mine", "title_zh": "自有基线", "controls": {"sshd_max_auth_tries": {}}}

    assert validator.is_valid(profile)
    assert not validator.is_valid({**profile, "controls": {"sshd_max_auth_tris": {}}})
    assert not validator.is_valid({**profile, "controls": {"sshd_max_auth_tries": {"want": {"at_mots": 3}}}})
