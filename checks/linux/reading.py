"""Reading files and metadata so that "is not there" is never confused with "could not be read"."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, read


def stat_fields(host: Any, path: str) -> list[str] | None:
    """Return [mode in octal, owner:group] of a path as `stat` says it, or None where the path does not exist."""
    result = host.run("stat -c %s %s", "%a %U:%G", path)
    if result.rc == 0:
        return str(result.stdout).split()
    if _does_not_exist(host, path):
        return None
    raise CannotLook(f"{path} cannot be examined: {result.stderr.strip()[-200:]}")


def required_stat(host: Any, path: str) -> list[str]:
    """Return what `stat_fields` returns; a path that does not exist is not applicable."""
    fields = stat_fields(host, path)
    if fields is None:
        raise NotApplicable(f"{path} does not exist")
    return fields


def text_or_none(host: Any, path: str) -> str | None:
    """Return a file's text, or None where it does not exist."""
    result = host.run("cat %s", path)
    if result.rc == 0:
        return str(result.stdout)
    if _does_not_exist(host, path):
        return None
    raise CannotLook(f"{path} cannot be read: {result.stderr.strip()[-200:]}")


# Who is not root often has a search path without the system's own programs: they are there all the same.
_WHERE = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v %s"


def tool(host: Any, program: str, command: str, *arguments: str) -> str:
    """Return the output of a program that must succeed; a host without the program is not applicable."""
    result = host.run(command, *arguments)
    if result.rc != 0 and host.run(_WHERE, program).rc != 0:
        raise NotApplicable(f"{program} is not installed")
    return read(host, command, *arguments)


def _does_not_exist(host: Any, path: str) -> bool:
    # Asked again in the C locale: the first answer may be in the language of the login.
    said = host.run("LC_ALL=C ls -d %s", path)
    return said.rc != 0 and "No such file or directory" in said.stderr
