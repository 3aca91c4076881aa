"""How to look at nginx: the configuration it would run with, as it prints it itself, read block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checks import CannotLook, NotApplicable, in_use, kind, read, runs

TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*|(?P<word>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|\$\{[^}]*\}|[^\s;{}"'\\])+)|(?P<mark>[;{}]))"""
)


@dataclass(kw_only=True)
class Block:
    """One block: `name` is `http`, `server` or `location /x`; `directives` are its lines, `blocks` those inside it."""

    name: str
    directives: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def values(self, directive: str) -> list[str]:
        """Return the values of a directive in this very block."""
        return [" ".join(words[1:]) for words in self.directives if words[0] == directive]

    def inner(self, name: str) -> list[Block]:
        """Return the blocks of that kind right inside this one."""
        return [block for block in self.blocks if block.name.split(" ")[0] == name]

    def everywhere(self) -> Iterator[Block]:
        """Yield this block and all inside it."""
        yield self
        for block in self.blocks:
            yield from block.everywhere()


def targets(host: Any) -> list[str]:
    """Return the one nameless instance where an nginx is installed and in use, as a service or without one."""
    found = host.run("test -x /usr/sbin/nginx")
    if found.rc not in (0, 1):
        raise CannotLook(f"`test -x /usr/sbin/nginx` answered {found.rc}")
    return [""] if found.rc == 0 and (in_use(host, "nginx.service") or runs(host, "nginx")) else []


@kind
def main_directive(host: Any, *, directive: str) -> str | None:
    """Return a directive of the main level, None where it is not set."""
    return _last(configuration(host).values(directive))


@kind
def server_directive(host: Any, *, directive: str, tls_only: bool = False) -> dict[str, str | None]:
    """Return what holds in each server by its name and port: its own value or that of http, None where neither is set.

    With `tls_only`, only servers that speak TLS; raises NotApplicable where there is none.
    """
    http = _http(configuration(host))
    inherited = _last(http.values(directive))
    servers = [server for server in http.inner("server") if not tls_only or _speaks_tls(server)]
    if not servers:
        raise NotApplicable("no server speaks TLS" if tls_only else "there is no server")
    return {_server_name(server): _last(server.values(directive)) or inherited for server in servers}


@kind
def directive_anywhere(host: Any, *, directive: str) -> list[str]:
    """Return every value that a directive has in any block."""
    return [value for block in configuration(host).everywhere() for value in block.values(directive)]


@kind
def response_header(host: Any, *, header: str) -> dict[str, str | None]:
    """Return the value of a response header in each server and location that answers, None where it is not sent.

    A block with an `add_header` of its own inherits none (ngx_http_headers_module).
    """
    http = _http(configuration(host))
    found: dict[str, str | None] = {}
    for server in http.inner("server"):
        _headers(server, _server_name(server), http.values("add_header"), header, found)
    if not found:
        raise NotApplicable("there is no server")
    return found


@kind
def tls_redirect(host: Any) -> dict[str, str | None]:
    """Return for each server without TLS whether it only redirects to https; `plain` where it answers itself."""
    plain = [server for server in _http(configuration(host)).inner("server") if not _speaks_tls(server)]
    if not plain:
        raise NotApplicable("every server speaks TLS")
    return {
        _server_name(server): "redirect" if any("https://" in value for value in server.values("return")) else "plain"
        for server in plain
    }


@kind
def unknown_host(host: Any) -> str | None:
    """Return what the default server of each port answers an unknown name: the code of its `return`, else None."""
    http = _http(configuration(host))
    defaults = [s for s in http.inner("server") if any("default_server" in value for value in s.values("listen"))]
    answers = {(_last(server.values("return")) or "").split(" ")[0] or None for server in defaults}
    return answers.pop() if len(answers) == 1 else None


@kind
def worker_account(host: Any) -> dict[str, str]:
    """Return the account that the workers run as: its number, its shell, and whether its password is locked."""
    name = (_last(configuration(host).values("user")) or "nobody").split(" ")[0]
    fields = read(host, "getent passwd %s", name).strip().split(":")
    password = read(host, "getent shadow %s", name).strip().split(":")[1]
    return {
        "name": name,
        "root": "yes" if fields[2] == "0" else "no",
        "shell": fields[6],
        "password": "locked" if password[:1] in ("!", "*") else "open",
    }


def parse(text: str) -> Block:
    """Return the main block of a configuration as `nginx -T` prints it, includes already in their place.

    `include` lines stay directives: what they bring in is found by `configuration`.
    """
    root = Block(name="main")
    open_blocks, words = [root], []
    for token in TOKEN.finditer(text):
        if token["word"] is not None:
            words.append(token["word"].strip("\"'"))
        elif token["mark"] == ";" and words:
            open_blocks[-1].directives.append(words)
            words = []
        elif token["mark"] == "{":
            block = Block(name=" ".join(words))
            open_blocks[-1].blocks.append(block)
            open_blocks.append(block)
            words = []
        elif token["mark"] == "}":
            if len(open_blocks) == 1:
                raise CannotLook("nginx printed a configuration with a brace too many")
            open_blocks.pop()
    if len(open_blocks) != 1 or words:
        raise CannotLook("nginx printed a configuration that does not end")
    return root


def configuration(host: Any) -> Block:
    """Return the main block with every included file in the place of its `include`."""
    printed = read(host, "/usr/sbin/nginx -T 2>/dev/null")
    parts = re.split(r"^# configuration file (.+):$", printed, flags=re.MULTILINE)
    files = dict(zip(parts[1::2], parts[2::2], strict=True))
    if not files:
        raise CannotLook("`nginx -T` printed no configuration")
    first = next(iter(files))
    directory = first.rpartition("/")[0]
    main = _included(parse(files[first]), files, directory, 0)
    named = {_pattern(w, directory) for block in main.everywhere() for w in block.directives if w[0] == "include"}
    for path in files:
        if path != first and not any(_matches(pattern, path) for pattern in named):
            raise CannotLook(f"nginx reads {path}, and no include line of its configuration was seen to name it")
    return main


def _pattern(words: list[str], directory: str) -> str:
    """Return what an include line names, as a whole path."""
    return words[1] if words[1].startswith("/") else f"{directory}/{words[1]}"


def _included(block: Block, files: dict[str, str], directory: str, depth: int) -> Block:
    if depth > 20:
        raise CannotLook("nginx includes more than twenty files deep")
    for words in [words for words in block.directives if words[0] == "include"]:
        for path in sorted(path for path in files if _matches(_pattern(words, directory), path)):
            part = _included(parse(files[path]), files, directory, depth + 1)
            block.directives += part.directives
            block.blocks += part.blocks
    for inner in block.blocks:
        _included_once(inner, files, directory, depth)
    return block


def _included_once(block: Block, files: dict[str, str], directory: str, depth: int) -> None:
    if not any(words[0] == "#included" for words in block.directives):
        _included(block, files, directory, depth + 1)
        block.directives.append(["#included"])


def _matches(pattern: str, path: str) -> bool:
    """Match as glob(7) does: a star does not cross a slash."""
    parts = re.split(r"(\[!?[^/\]]+\])", pattern)
    parts[::2] = [re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in parts[::2]]
    parts[1::2] = [part.replace("[!", "[^", 1) for part in parts[1::2]]
    return re.fullmatch("".join(parts), path) is not None


def _http(main: Block) -> Block:
    found = main.inner("http")
    if not found:
        raise NotApplicable("this nginx serves no http")
    return found[0]


def _headers(block: Block, name: str, inherited: list[str], header: str, found: dict[str, str | None]) -> None:
    own = block.values("add_header") or inherited
    sent = [
        value.split(" ", 1)[1] for value in own if value.split(" ", 1)[0].lower() == header.lower() and " " in value
    ]
    found[name] = sent[-1].removesuffix(" always") if sent else None
    for inner in block.inner("location"):
        if inner.values("add_header"):
            _headers(inner, f"{name} {inner.name}", own, header, found)


def _server_name(server: Block) -> str:
    ports = ",".join(value.split(" ")[0] for value in server.values("listen")) or "80"
    return f"{(_last(server.values('server_name')) or '_').split(' ')[0]}:{ports}"


def _speaks_tls(server: Block) -> bool:
    return any("ssl" in value.split(" ")[1:] for value in server.values("listen"))


def _last(values: list[str]) -> str | None:
    return values[-1] if values else None
