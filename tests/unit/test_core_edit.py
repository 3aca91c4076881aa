"""Editing shipped files by line, without touching any other byte."""

from __future__ import annotations

import pytest
from hardening_core import CannotApply, edit

LOGIN_DEFS = "# Password ageing\n#PASS_MIN_DAYS 0\nPASS_MAX_DAYS\t99999\nUMASK\t\t022\n\n"


@pytest.mark.parametrize(
    ("text", "key", "value", "separator", "wanted"),
    [
        ("UMASK\t\t022\nX 1\n", "UMASK", "027", "\t", "UMASK\t027\nX 1\n"),
        ("#deny = 3\nx\n", "deny", "5", " = ", "#deny = 3\ndeny = 5\nx\n"),
        ("a=1\nb=2\na=3\n", "a", "4", "=", "b=2\na=4\n"),
        ("a = 1\n", "a", "1", "=", "a = 1\n"),
        ("", "a", "1", "=", "a=1\n"),
        ("b=1", "a", "1", "=", "b=1\na=1\n"),
        ("a=1\r\nb=2\r\n", "b", "3", "=", "a=1\r\nb=3\r\n"),
        ("# a is a nice word in a sentence\n", "a", "1", "=", "# a is a nice word in a sentence\na=1\n"),
        ("abc=1\n", "a", "1", "=", "abc=1\na=1\n"),
        ("x\n# enforce_for_root\ny\n", "enforce_for_root", "", "", "x\n# enforce_for_root\nenforce_for_root\ny\n"),
        ("enforce_for_root\n", "enforce_for_root", "", "", "enforce_for_root\n"),
    ],
)
def test_set_key(text: str, key: str, value: str, separator: str, wanted: str) -> None:
    """The key is set once: where it is set, after the comment that shows it, or at the end; and only once."""
    assert edit.set_key(text, key, value, separator=separator) == wanted
    assert edit.set_key(wanted, key, value, separator=separator) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[A]\nk=1\n\n[B]\nk=2\n", "[A]\nk=9\n\n[B]\nk=2\n"),
        ("[A]\nx=1\n\n[B]\nk=2\n", "[A]\nx=1\nk=9\n\n[B]\nk=2\n"),
        ("[B]\nk=2\n", "[B]\nk=2\n[A]\nk=9\n"),
        ("[A]\n", "[A]\nk=9\n"),
    ],
)
def test_set_key_in_a_section(text: str, wanted: str) -> None:
    """Only the named section counts; it is added when missing."""
    assert edit.set_key(text, "k", "9", section="A") == wanted
    assert edit.set_key(wanted, "k", "9", section="A") == wanted


def test_comment_out_leaves_comments_alone() -> None:
    """What is a comment already stays as it is, so a second run changes nothing."""
    once = edit.comment_out("a=1\n# a=2\n  a=3\nb=1\n", r"^\s*a=", note="linux_a")

    assert once == "# linux_a: a=1\n# a=2\n# linux_a:   a=3\nb=1\n"
    assert edit.comment_out(once, r"^\s*a=", note="linux_a") == once


def test_replace_lines() -> None:
    """The first that matches is replaced, the others go; with None all go; without a match it is added."""
    text = "auth a\nauth b\nother\n"

    assert edit.replace_lines(text, "^auth", "auth c") == "auth c\nother\n"
    assert edit.replace_lines(text, "^auth", None) == "other\n"
    assert edit.replace_lines(text, "^nothing", "new") == text + "new\n"


@pytest.mark.parametrize(("after", "wanted"), [(False, "x\nnew\na 1\na 2\n"), (True, "x\na 1\na 2\nnew\n")])
def test_insert(after: bool, wanted: str) -> None:
    """Before the first or after the last line that matches, once."""
    once = edit.insert("x\na 1\na 2\n", "^a", "new", after=after)

    assert once == wanted
    assert edit.insert(once, "^a", "new", after=after) == once


def test_only_newlines_end_a_line() -> None:
    """Form feeds and line separators inside a line do not split it."""
    text = "a=1\x0cb\u2028c\nd=1"

    assert "".join(edit.split(text)) == text
    assert len(edit.split(text)) == 2


def test_set_field() -> None:
    """One field of one entry; an unknown name or a colon in the value is refused."""
    text = "root:*:1:0:99999:7:::\nops:!:1:0:99999:7:::\n"

    assert edit.set_field(text, "ops", 4, "90") == "root:*:1:0:99999:7:::\nops:!:1:0:90:7:::\n"
    with pytest.raises(CannotApply, match="no entry of nobody"):
        edit.set_field(text, "nobody", 4, "90")
    with pytest.raises(CannotApply, match="cannot hold a colon"):
        edit.set_field(text, "ops", 4, "9:0")
