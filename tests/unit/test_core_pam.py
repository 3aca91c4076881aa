"""Editing single arguments of PAM lines: every other byte stays, and words go back to where they were."""

from __future__ import annotations

import pytest
from hardening_core import CannotApply
from hardening_core.resources.pam import LAST, arguments_of, matching, with_words

LINE = "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok  yescrypt # why\n"


def test_a_line_is_taken_apart_without_loss() -> None:
    """Head, arguments with their blanks, and the rest make up the line again."""
    head, chunks, tail = arguments_of(LINE)

    assert chunks == [" obscure", " use_authtok", "  yescrypt"]
    assert head + "".join(chunks) + tail == LINE


@pytest.mark.parametrize(
    "line", ["auth required pam_permit.so\n", "auth required pam_permit.so", "-auth [a=b c] /lib/x.so a=[b c]\n"]
)
def test_lines_of_every_shape_come_back_whole(line: str) -> None:
    """No arguments, no newline, a dash, brackets around the control or an argument."""
    head, chunks, tail = arguments_of(line)

    assert head + "".join(chunks) + tail == line


def test_a_line_that_is_none_is_refused() -> None:
    """Better no change than a stack that was cut."""
    with pytest.raises(CannotApply, match="cannot be taken apart"):
        arguments_of("auth\n")


def test_a_word_is_replaced_where_it_stands() -> None:
    """Of words that exclude each other, the new one takes the place and the blanks of the old one."""
    chunks = arguments_of(LINE)[1]

    assert with_words(chunks, ["md5", "yescrypt"], [([LAST, " "], "md5")]) == [" obscure", " use_authtok", "  md5"]


def test_a_word_goes_back_to_its_place() -> None:
    """A removed word is put back by its hint, the last one at the end however many there are by then."""
    chunks = [" obscure", " yescrypt"]

    assert with_words(chunks, ["use_authtok"], [([1, "  "], "use_authtok")]) == [
        " obscure",
        "  use_authtok",
        " yescrypt",
    ]
    assert with_words(chunks, ["x"], [([LAST, " "], "x=1")]) == [" obscure", " yescrypt", " x=1"]


def test_a_value_is_part_of_its_word() -> None:
    """`retry=3` is the word retry; `retries` is another."""
    assert with_words([" retry=3", " retries=1"], ["retry"], []) == [" retries=1"]


def test_only_lines_of_the_type_and_module_match() -> None:
    """Comments, other types and modules whose name begins alike are left alone."""
    lines = ["# auth required pam_unix.so\n", "auth required pam_unix.so\n", "account required pam_unix.so\n"]

    assert matching(
        [*lines, "-auth [a=b] /lib/pam_unix.so x\n", "auth required pam_unix.sox\n"], "auth", "pam_unix.so"
    ) == [1, 3]
