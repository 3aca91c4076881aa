"""A profile may ask for more than a control; asking for less must be said."""

from __future__ import annotations

import pytest

from hardening.model import Json
from hardening.strictness import at_least_as_strict, default_set


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("no", "no"),
        ("3", {"at_most": 4}),
        ({"at_most": 3}, {"at_most": 4}),
        ({"at_least": 12}, {"at_least": 8}),
        ({"at_least": 1, "at_most": 60}, {"at_most": 300}),
        ({"one_of": ["a"]}, {"one_of": ["a", "b"]}),
        ({"subset_of": ["a"]}, {"subset_of": ["a", "b"]}),
        ({"superset_of": ["a", "b"]}, {"superset_of": ["a"]}),
        ({"disjoint_from": ["a", "b"]}, {"disjoint_from": ["a"]}),
        ({"mode_at_most": "0600"}, {"mode_at_most": "0640"}),
        ({"each": {"mode_at_most": "0600"}}, {"each": {"mode_at_most": "0640"}}),
    ],
)
def test_stricter_is_accepted_and_the_reverse_is_not(new: Json, old: Json) -> None:
    """Each pair is strict one way; turned round it weakens, unless both are equal."""
    assert at_least_as_strict(new, old)
    assert new == old or not at_least_as_strict(old, new)


@pytest.mark.parametrize(
    ("new", "old"), [("yes", "no"), ({"matches": "a"}, {"matches": "b"}), ({"at_least": 1}, {"at_most": 4})]
)
def test_what_cannot_be_compared_counts_as_weaker(new: Json, old: Json) -> None:
    """Where nobody can tell, the profile has to give its reason."""
    assert not at_least_as_strict(new, old)


@pytest.mark.parametrize(
    ("want", "found"),
    [
        ("no", (True, "no")),
        ({"at_most": 4}, (True, 4)),
        ({"one_of": ["a", "b"]}, (True, "a")),
        ({"matches": "x"}, (False, None)),
    ],
)
def test_what_to_write_comes_from_the_bound(want: Json, found: tuple[bool, Json]) -> None:
    """`set` may be left out where the bound tells it, and only there."""
    assert default_set(want) == found
