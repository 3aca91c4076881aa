"""A document as a value: what the writers of Word, HTML and Markdown all put on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading of the first or second order."""

    text: str
    order: int = 1


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph."""

    text: str
    is_strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and what belongs to them, as a table of two columns."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table with headings. `tones` colours a row's cells by their text: good, warn, bad."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str
    tones: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a chart: a name, a figure, and what is written beside it."""

    name: str
    figure: float
    label: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars under a title; on paper without drawings the figures stand in a table."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """Places to sign, and for a date and a seal."""

    names: Sequence[str]
    date: str


Block = Heading | Text | Facts | Grid | Chart | Signatures


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole document. `made_at` is a fact of what it tells, not of when it was written: equal facts, equal bytes."""

    title: str
    subtitle: str
    lang: str
    made_at: datetime
    blocks: Sequence[Block]
