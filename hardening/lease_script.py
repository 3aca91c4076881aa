"""The shell that takes and gives back the lease of a host, and what its answers mean. Needs no Python there.

The lease is `/var/lib/hardening/lease`: the campaign, the host's name in the inventory, and JSON for people. It appears
whole or not at all (`ln` refuses where it is already), is on the disk before anything is written, and never expires.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from hardening.redact import redact

DIRECTORY = "/var/lib/hardening"

# $1 directory, $2 campaign, $3 name, $4 JSON, $5 campaigns whose lease may be taken over, between spaces.
TAKE = r"""
umask 077
mkdir -p "$1" || exit 1
lease=$1/lease part=$1/.lease.$$
{ printf '%s\n%s\n%s\n' "$2" "$3" "$4" > "$part" && { sync "$part" 2>/dev/null || sync; }; } ||
    { rm -f "$part"; exit 1; }
put=
if why=$(ln "$part" "$lease" 2>&1); then
    said=taken
elif [ ! -e "$lease" ]; then
    rm -f "$part"
    printf '%s\n' "$why" >&2
    exit 1
else
    holder= name=
    { IFS= read -r holder && IFS= read -r name; } < "$lease"
    said=held
    if [ "$holder" = "$2" ]; then
        said=twice
        [ "$name" != "$3" ] || said=taken put=1
    elif [ -n "$holder" ]; then
        case " $5 " in *" $holder "*) said=taken_over put=1 ;; esac
    fi
fi
printf '%s\n' "$said"
[ "$said" = taken ] || head -c 4000 "$lease"
[ -z "$put" ] || mv -f "$part" "$lease" || exit 1
rm -f "$part"
"""
# $1 directory, $2 campaign, $3 name.
GIVE_BACK = r"""
lease=$1/lease
[ -e "$lease" ] || { echo none; exit 0; }
holder= name=
{ IFS= read -r holder && IFS= read -r name; } < "$lease"
if [ "$holder" = "$2" ] && [ "$name" = "$3" ]; then
    rm -f "$lease" || exit 1
    echo given_back
else
    echo not_ours
fi
"""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """What a host says of its lease. `verdict`: `taken`, `taken_over`, `held` by another, or `twice` under two names.

    The others say who held or holds it: `campaign`, `name` (the host's in that inventory), `since` and `by` whom.
    """

    verdict: str
    campaign: str = ""
    name: str = ""
    by: str = "somebody unknown"
    since: str = "unknown"


def lease_text(*, actor: str, controller: str, taken_at: str) -> str:
    """Return the third line of a lease."""
    return json.dumps({"actor": actor, "controller": controller, "taken_at": taken_at}, sort_keys=True)


def lease_said(answer: str) -> Lease:
    """Return what TAKE answered. What a lease holds may be written by anybody: it is shown bounded and plain."""
    lines = [_plain(line) for line in answer.split("\n")]
    verdict, campaign, name, said = (*lines, "", "", "", "")[:4]
    try:
        told = json.loads(said)
        by, since = _plain(f"{told['actor']} on {told['controller']}"), _plain(str(told["taken_at"]))
    except (ValueError, KeyError, TypeError):
        return Lease(verdict=verdict, campaign=campaign, name=name)
    return Lease(verdict=verdict, campaign=campaign, name=name, by=by, since=since)


def _plain(text: str) -> str:
    return redact("".join(char for char in text if char.isprintable()))[:400]
