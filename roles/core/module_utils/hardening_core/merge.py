"""Undoing in a file that was changed since: by block in our drop-ins, by line elsewhere. Bytes in, bytes out."""

from __future__ import annotations

import difflib
from typing import List, Optional, Tuple

from .blocks import MADE, Blocks
from .errors import ChangedSince

Edit = Tuple[int, int, List[str]]


def merge_text(
    name: str, base: bytes, ours: Optional[bytes], theirs: Optional[bytes], *, force: bool = False
) -> Optional[bytes]:
    """Take the step from `base` to `theirs` on `ours`; None is a file that is not there.

    Raises ChangedSince where `ours` was edited in the same blocks or lines; with `force` the step goes over those.
    """
    texts = [(part or b"").decode("utf-8", "surrogateescape") for part in (base, ours, theirs)]
    blocks = [Blocks.parse(text) for text in texts]
    if ours is None and blocks[0].heading == MADE:
        # The file went with all its blocks: as good as each of them taken out.
        blocks[1] = Blocks(heading=MADE, comment=blocks[0].comment)
    if blocks[1].is_managed and (blocks[0].is_managed or blocks[2].is_managed):
        merged = _merge_blocks(name, *blocks, force=force)
        if merged is not None:
            return None if merged.is_gone else merged.text.encode("utf-8", "surrogateescape")
    if ours is None or theirs is None:
        if force:
            return theirs
        raise ChangedSince(name + (" is gone" if ours is None else " was edited after we made it"))
    return _merge_lines(name, *texts, force=force).encode("utf-8", "surrogateescape")


def _merge_blocks(name: str, base: Blocks, ours: Blocks, theirs: Blocks, *, force: bool) -> Optional[Blocks]:
    """Merge block by block; None where the step also touched what stands outside our blocks."""
    if theirs.foreign != base.foreign:
        return None
    merged = ours
    for key in list(base.blocks) + [key for key in theirs.blocks if key not in base.blocks]:
        was, now, back = base.blocks.get(key), ours.blocks.get(key), theirs.blocks.get(key)
        if back in (was, now):
            continue
        if now != was and not force:
            raise ChangedSince("{}: the lines of {} were edited".format(name, key))
        merged = merged.without(key) if back is None else merged.with_block(key, back)
    return merged


def _merge_lines(name: str, base: str, ours: str, theirs: str, *, force: bool) -> str:
    """Merge by line: the edits of both sides must not meet, or with `force` the ones of `ours` that do are lost."""
    lines = [text.splitlines(True) for text in (base, ours, theirs)]
    mine, back = _edits(lines[0], lines[1]), _edits(lines[0], lines[2])
    in_the_way = [edit for edit in mine if any(_meet(edit, step) for step in back)]
    if in_the_way and not force:
        raise ChangedSince("{}: line {} was edited since".format(name, in_the_way[0][0] + 1))
    mine = [edit for edit in mine if edit not in in_the_way]
    result = list(lines[0])
    # From the end, so that earlier line numbers stay true; the same edit made on both sides counts once.
    for start, end, new in sorted(
        mine + [edit for edit in back if edit not in mine], key=lambda e: (e[0], e[1]), reverse=True
    ):
        result[start:end] = new
    return "".join(result)


def _meet(mine: Edit, back: Edit) -> bool:
    """Tell whether two different edits of one text are about the same lines."""
    if mine == back:
        return False
    (my_start, my_end, _), (start, end, _) = mine, back
    overlaps = start < my_end and my_start < end
    # Two insertions at one place have no order; one beside a changed line has.
    same_place = start == end == my_start == my_end
    splits = my_start < start == end < my_end or start < my_start == my_end < end
    return overlaps or same_place or splits


def _edits(old: List[str], new: List[str]) -> List[Edit]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [(i1, i2, new[j1:j2]) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
