"""Rights inside PostgreSQL, read and written through SQL on the running cluster. State: `{"value": true}`."""

from __future__ import annotations

from typing import Dict, Tuple

from ..control import State
from ..errors import CannotApply
from .base import Resource

ATTRIBUTES: Dict[str, Tuple[str, str]] = {
    "createrole": ("rolcreaterole", "CREATEROLE"),
    "createdb": ("rolcreatedb", "CREATEDB"),
    "replication": ("rolreplication", "REPLICATION"),
    "bypassrls": ("rolbypassrls", "BYPASSRLS"),
}


class PostgresqlResource(Resource):
    """What all of them share: a cluster by its instance name, and psql as its owner."""

    rank = 60

    def ask(self, instance: str, database: str, query: str) -> str:
        """Return what one query prints."""
        for line in self.host.must(["pg_lsclusters", "-h"]).splitlines():
            words = line.split()
            if len(words) > 5 and words[0] + "-" + words[1] == instance:
                psql = [
                    "psql",
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-p",
                    words[2],
                    "-d",
                    database,
                    "-c",
                    query,
                ]
                return self.host.must(["runuser", "-u", words[4], "--", *psql]).strip()
        raise CannotApply("there is no PostgreSQL cluster " + repr(instance))


class RoleAttributeResource(PostgresqlResource):
    """One attribute of one role: `15-main/app/createdb`."""

    kind = "pg_role_attribute"

    def read(self, name: str) -> State:
        """Return whether the role holds it; None where there is no such role."""
        instance, role, attribute = self.parts(name)
        query = "SELECT {} FROM pg_roles WHERE rolname = {}".format(ATTRIBUTES[attribute][0], literal(role))
        said = self.ask(instance, "postgres", query)
        return {"value": {"t": True, "f": False}.get(said)}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Give or take it."""
        instance, role, attribute = self.parts(name)
        if present["value"] is None or wanted["value"] is None:
            raise CannotApply("there is no role " + role)
        word = ("" if wanted["value"] else "NO") + ATTRIBUTES[attribute][1]
        self.ask(instance, "postgres", "ALTER ROLE " + identifier(role) + " " + word)

    def parts(self, name: str) -> Tuple[str, str, str]:
        """Return instance, role and attribute; a role's name may hold a slash."""
        instance, _, rest = name.partition("/")
        role, _, attribute = rest.rpartition("/")
        if attribute not in ATTRIBUTES:
            raise CannotApply(repr(attribute) + " is no attribute of roles that can be taken")
        return instance, role, attribute


class PublicCreateResource(PostgresqlResource):
    """Whether everybody may create objects in the schema public: `15-main/postgres`."""

    kind = "pg_public_create"

    def read(self, name: str) -> State:
        """Return what the server says."""
        instance, _, database = name.partition("/")
        said = self.ask(instance, database, "SELECT has_schema_privilege('public', 'public', 'CREATE')")
        return {"value": said == "t"}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Grant or revoke."""
        instance, _, database = name.partition("/")
        words = ("GRANT", "TO") if wanted["value"] else ("REVOKE", "FROM")
        self.ask(instance, database, "{} CREATE ON SCHEMA public {} PUBLIC".format(*words))


def literal(text: str) -> str:
    """Return a text as an SQL literal (standard_conforming_strings is on unless somebody turned it off)."""
    if "\\" in text or "\0" in text:
        raise CannotApply(repr(text) + " holds a backslash or NUL; change it by hand")
    return "'" + text.replace("'", "''") + "'"


def identifier(text: str) -> str:
    """Return a text as an SQL identifier."""
    if "\0" in text:
        raise CannotApply(repr(text) + " holds a NUL")
    return '"' + text.replace('"', '""') + '"'
