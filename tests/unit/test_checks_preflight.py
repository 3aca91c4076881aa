"""What preflights look at, on recorded output: sizes in the access logs of nginx, wherever a format puts them."""

from __future__ import annotations

import subprocess

import pytest

from checks.preflight.web import log_formats, pattern

PRINTED = r"""
http {
    # log_format commented '$request_length';
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" $request_length;x';
    log_format json escape=json '{"at":"$time_iso8601","size":"$content_length","ua":"$http_user_agent"}';
    log_format short "$remote_addr|$request_length|$status";
    log_format bare $status $request_length;
    access_log /var/log/nginx/access.log main;
}
"""
LINES = {
    "main": '10.0.0.7 - - [29/Nov/2026:17:19:36 +0000] "POST /a b HTTP/1.1" 200 5 "-" "curl \xff 7" 12583100;x',
    "json": '{"at":"2026-11-29T17:19:36+00:00","size":"12583100","ua":"x"}',
    "short": "10.0.0.7|12583100|200",
    "bare": "20012583100",
}


def test_formats_are_joined_as_nginx_joins_them() -> None:
    """Pieces in quotes follow each other without a blank, a semicolon in quotes is text, a comment is none."""
    formats = log_formats(PRINTED)

    assert set(formats) == {"main", "json", "short", "bare"}
    assert formats["main"].endswith('"$http_user_agent" $request_length;x')
    assert formats["short"] == "$remote_addr|$request_length|$status"
    assert pattern('$remote_addr "$request"') is None


@pytest.mark.parametrize("name", ["main", "json", "short"])
def test_the_size_is_found_in_a_line(name: str) -> None:
    """sed itself finds the size by the expression, also in a line that is no UTF-8."""
    script = f"s#^{pattern(log_formats(PRINTED)[name])}.*$#\\1#p"

    found = subprocess.run(
        ["sed", "-nE", script],
        input=LINES[name].encode("latin-1") + b"\nno such line\n",
        capture_output=True,
        check=True,
        env={"LC_ALL": "C"},
    )

    assert found.stdout == b"12583100\n"
