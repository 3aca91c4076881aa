"""Which campaigns there are, and which one a user means."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from hardening.errors import AskedWrongly
from hardening.ledger.records import KINDS, Finished
from hardening.ledger.schema import CAMPAIGNS, ENTRIES
from hardening.model import Verb

# More would not help a person to choose.
NAMED_AT_MOST = 5


def campaign_ids(
    connection: Connection, *, verb: Verb | None = None, limit: int | None = None, unfinished: bool = False
) -> list[str]:
    """Return campaign ids, newest first."""
    query = select(CAMPAIGNS.c.campaign_id).order_by(CAMPAIGNS.c.started_at.desc(), CAMPAIGNS.c.seq.desc()).limit(limit)
    if verb is not None:
        query = query.where(CAMPAIGNS.c.verb == verb.value)
    if unfinished:
        query = query.where(CAMPAIGNS.c.finished_at.is_(None))
    return list(connection.scalars(query))


def campaigns_going_on(connection: Connection) -> list[str]:
    """Return the ids of campaigns whose last entry is not an end, newest first; a resumed one goes on after its end."""
    last = select(func.max(ENTRIES.c.seq)).group_by(ENTRIES.c.campaign_id)
    # What stands for itself (an attestation, an inspection, a look at resources) has entries, and is no campaign.
    of_campaign = ENTRIES.c.campaign_id.in_(select(CAMPAIGNS.c.campaign_id))
    query = select(ENTRIES.c.campaign_id).where(ENTRIES.c.seq.in_(last), ENTRIES.c.kind != KINDS[Finished], of_campaign)
    return list(connection.scalars(query.order_by(ENTRIES.c.seq.desc())))


def resolve(connection: Connection, asked: str) -> str:
    """Return the id that `asked` means: an id, its beginning, `latest`, or `latest-<verb>`.

    Raises AskedWrongly where nothing or more than one campaign is meant.
    """
    if asked == "latest" or asked.startswith("latest-"):
        return _latest(connection, asked)
    # Not LIKE: it folds case on SQLite and gives % and _ a meaning.
    begins = func.substr(CAMPAIGNS.c.campaign_id, 1, len(asked)) == asked
    query = select(CAMPAIGNS.c.campaign_id).where(begins).order_by(CAMPAIGNS.c.campaign_id)
    found = list(connection.scalars(query.limit(NAMED_AT_MOST + 1))) if asked else []
    if asked in found or len(found) == 1:
        return asked if asked in found else found[0]
    if found:
        more = ", ..." if len(found) > NAMED_AT_MOST else ""
        raise AskedWrongly(
            f"campaign {asked!r} is ambiguous: {', '.join(found[:NAMED_AT_MOST])}{more}; write more of it"
        )
    tombstone = select(ENTRIES.c.taken_at).where(ENTRIES.c.campaign_id == asked, ENTRIES.c.kind == "purge")
    purged_at = connection.scalar(tombstone.limit(1))
    if purged_at is not None:
        raise AskedWrongly(f"campaign {asked} was purged on {purged_at[:10]}; its certificate says what was deleted")
    newest = campaign_ids(connection, limit=NAMED_AT_MOST)
    known = f"the newest are {', '.join(newest)}" if newest else "there is none yet; `hardening scan` makes one"
    raise AskedWrongly(f"the ledger has no campaign {asked!r}; {known}")


def _latest(connection: Connection, asked: str) -> str:
    word = asked.removeprefix("latest").removeprefix("-")
    if word not in ("", *Verb):
        raise AskedWrongly(
            f"{asked!r} names no campaign; write latest, or {', '.join(f'latest-{verb}' for verb in Verb)}"
        )
    newest = campaign_ids(connection, verb=Verb(word) if word else None, limit=1)
    if not newest:
        raise AskedWrongly(f"the ledger has no {word + ' ' if word else ''}campaign yet, so {asked!r} names none")
    return newest[0]
