"""Whether nginx would still take the requests that it takes now."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hardening.prediction import Consequence
from hardening.preflights.rule import Asked, Breakage, Unknown, listed, of_kind, preflight

UNSET = "1m"  # client_max_body_size where nobody sets it (ngx_http_core_module).
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def size_bytes(text: str) -> float:
    """Return a size of nginx in bytes; 0 is no limit. Raises Unknown for what is none."""
    found = re.fullmatch(r"([0-9]+)([kmg]?)", text.strip().lower())
    if found is None:
        raise Unknown(f"{text!r} is no size that can be compared")
    return int(found[1]) * UNITS[found[2]] or float("inf")


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="uploads that nginx takes now would be refused as too large",
    predicts_zh="nginx 目前接受的上传将因过大被拒绝",
    concerns=of_kind("nginx.server_directive", directive="client_max_body_size"),
    needs={"requests": "request_sizes"},
)
def nginx_body_limit(asked: Asked) -> Iterator[Breakage]:
    """Judge only where a limit becomes tighter than one that holds now, by the largest request in the access logs."""
    for item in asked.items:
        planned = size_bytes(str(item.value))
        seen = item.seen.get("value")
        now = [str(value) for value in seen.values() if value is not None] if isinstance(seen, dict) else []
        limits = [*now, *asked["requests"]["limits"]]
        if max([size_bytes(limit) for limit in limits], default=size_bytes(UNSET)) <= planned:
            continue
        logs = asked["requests"]["logs"]
        largest = max([log["bytes"] for log in logs if log["bytes"] is not None], default=0)
        blind = [f"{log['log']} (format {log['format']})" for log in logs if log["bytes"] is None]
        if largest > planned:
            yield asked.breaks(
                f"the limit of {listed(sorted(set(limits)))} becomes {item.value}, "
                f"and the access logs hold a request of {largest} bytes",
                f"上限 {listed(sorted(set(limits)))} 将变为 {item.value}，而访问日志中有 {largest} 字节的请求",
                [item],
            )
        elif blind or not logs:
            where = f"no size stands in {listed(blind)}" if blind else "there is no access log"
            raise Unknown(f"the limit becomes tighter, and {where}; log $request_length to know")
