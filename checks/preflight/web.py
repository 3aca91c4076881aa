"""How large requests are that nginx has served, as far as its access logs tell."""

from __future__ import annotations

import re
from typing import Any

from checks import read
from checks.nginx import configuration
from checks.preflight.marking import look

# What a log may hold that tells the size of a request, the better first.
SIZES = ("content_length", "http_content_length", "request_length")
FORMAT = re.compile(
    r"""^[ \t]*log_format\s+(\S+)((?:\s+(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s;'"]+))+)\s*;""", re.M
)
PIECE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s;'"]+""")
VARIABLE = re.compile(r"\$\{?([a-z_0-9]+)\}?")
# What a variable prints that has blanks of its own.
SPOKEN = {"time_local": "[^ ]* [+-][0-9]{4}"}


@look
def request_sizes(host: Any) -> dict[str, Any]:
    """Return the largest request of each access log in bytes, and the limits on bodies that hold now, anywhere.

    `bytes` is None for a log that holds no size; rotated logs are read too.
    """
    main = configuration(host)
    formats = log_formats(read(host, "/usr/sbin/nginx -T 2>/dev/null"))
    logs = []
    for path, name in sorted({_log(value) for block in main.everywhere() for value in block.values("access_log")}):
        if path.startswith("/") and "$" not in path:
            logs.append({"log": path, "format": name, "bytes": _largest(host, path, formats.get(name, ""))})
    limits = [value for block in main.everywhere() for value in block.values("client_max_body_size")]
    return {"logs": logs, "limits": limits}


def log_formats(printed: str) -> dict[str, str]:
    """Return the log formats by name from `nginx -T`; pieces in quotes are joined as nginx joins them."""
    found = {}
    for name, pieces in FORMAT.findall(printed):
        words = [word for word in PIECE.findall(pieces) if not word.startswith("escape=")]
        found[name] = "".join(word[1:-1] if word[0] in "'\"" else word for word in words)
    return found


def pattern(text: str) -> str | None:
    """Return the extended regular expression whose only group is the size in a line of a log format, None without."""
    sizes = [name for name in SIZES if re.search(rf"\$\{{?{name}\b", text)]
    if not sizes:
        return None
    made, end = "", 0
    for found in VARIABLE.finditer(text):
        made += re.escape(text[end : found.start()]).replace("\\ ", " ").replace('\\"', '"')
        after = text[found.end() : found.end() + 1]
        end = found.end()
        if found[1] == sizes[0]:
            return f"{made}(0|[1-9][0-9]*)"
        made += SPOKEN.get(found[1]) or (f"[^{after}]*" if after in ('"', "]", "|", ",", ";") else "[^ ]*")
    return None


def _log(value: str) -> tuple[str, str]:
    words = value.split(" ")
    name = words[1] if len(words) > 1 and "=" not in words[1] else "combined"
    return words[0], name


def _largest(host: Any, path: str, text: str) -> int | None:
    expression = pattern(text)
    if expression is None:
        return None
    # In the C locale: a log may hold any bytes. No line that matches tells as little as no size in the format.
    script = f"s#^{expression}.*$#\\1#p"
    told = read(host, "export LC_ALL=C; zcat -f %s* 2>/dev/null | sed -nE %s | sort -n | tail -n 1", path, script)
    return int(told) if told.strip() else None
