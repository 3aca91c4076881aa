"""What placing and measuring say of a host or a line, in Chinese; a sentence that nothing here knows stays."""

from __future__ import annotations

import re

from hardening.reports.resource_words import enum_word
from hardening.resources.columns import HEADINGS, heading
from hardening.resources.entries import Form, Level, State

_LEFT = r"([\d.]+) vCPUs, ([\d.]+) GiB memory, ([\d.]+) GiB disk were free"
_SIZE = r"(\d+) CPUs?, (\d+) GiB memory and (\d+) GiB disk(?: each)?"
_ROOM = "空闲 {0} vCPU、内存 {1} GiB、磁盘 {2} GiB"
# What the register and a host say of one another.
_DRIFTS = (
    (r"in the inventory", "在主机清单中"),
    (r"answers", "仍在响应"),
    (r"never looked at", "从未采集"),
    (r"not reached: (.+)", "未连通：{0}"),
    (r"interfaces: none", "无网卡"),
    (r"interfaces: (.+)", "网卡：{0}"),
    (r"(.+) runs at (.+) Mbit/s", "{0} 速率为 {1} Mbit/s"),
    (r"(.+) port (\d+)", "{0} 端口 {1}"),
    (r"nothing listens there", "无监听"),
    (r"databases: none", "无数据库"),
    (r"databases: (.+)", "数据库：{0}"),
    (r"over", "已过期"),
    (r"in (\d+) days?", "还有 {0} 天"),
    (r"today", "今天"),
)
_SENTENCES = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (rf"fits: {_LEFT}", f"可放置：{_ROOM}"),
        (rf"would fit \({_LEFT}\), others were better", f"可放置，但有更合适的主机（{_ROOM}）"),
        (
            rf"would fit \({_LEFT}\), others were better; kept for services of a higher level",
            f"可放置，留给更高等级的服务（{_ROOM}）",
        ),
        (r"the request names other hosts", "申请指定了其他主机"),
        (r"is in zone (.+), not (.+)", "位于 {0} 区，申请为 {1} 区"),
        (r"no zone is registered; (.+) is asked", "未登记区域，申请为 {0} 区"),
        (r"no business level is registered", "未登记业务等级"),
        (r"is of level (\w+), and the service of level (\w+)", "业务等级为{0}，服务要求{1}"),
        (r"is of MLPS level (\d), and level (\d) is asked", "等保 {0} 级，申请要求 {1} 级"),
        (r"no MLPS level is registered, and level (\d) is asked", "未登记等保级别，申请要求 {0} 级"),
        (r"has (.+), which (.+) must be apart from", "已有 {0}，{1} 须与其分开"),
        (r"has not enough room: (.+)", "空间不足：{0}"),
        (r"is not in the register", "未登记"),
        (r"is (planned|retired)", "状态为 {0}"),
        (r"was never looked at .*", "从未采集"),
        (r"was not reached: (.+)", "采集不可达：{0}"),
        (r"CPU, memory or disk could not be seen", "未采集到 CPU、内存或磁盘"),
        (r"(\d+) rates of (.+) are on record; (\d+) are needed", "{1} 仅有 {0} 次速率样本，需要 {2} 次"),
        (r"no host and interface are named at which it could be measured", "未指定可测量的主机与接口"),
        (r"(.+): free or add (.+) on (.+)", "{0}：在 {2} 上释放或增加 {1}"),
        (
            rf"(.+): (?:or )?buy (\d+) hosts? in zone (.+) of level (\w+) with at least {_SIZE}",
            "{0}：购置 {1} 台主机（{2} 区，等级{3}），每台至少 {4} CPU、内存 {5} GiB、磁盘 {6} GiB",
        ),
        (
            rf"(.+): (?:or )?buy (\d+) hosts? of level (\w+) with at least {_SIZE}",
            "{0}：购置 {1} 台主机（等级{2}），每台至少 {3} CPU、内存 {4} GiB、磁盘 {5} GiB",
        ),
        *_DRIFTS,
    )
)
_KINDS = {"memory": "内存", "disk": "磁盘"}
# Facts of a host that are no columns of the register, and what a difference may be about besides.
_FIELDS = {"host": "主机", "form": "形态", "ports": "端口", "database": "数据库"}
_PARTS = (
    (" of ", " / "),
    ("GiB memory", "GiB 内存"),
    ("GiB disk", "GiB 磁盘"),
    (" memory", " 内存"),
    (" disk", " 磁盘"),
)
_WORDS = {value.value: enum_word(value, "zh") for value in (*Level, *State, *Form)}


def sentence(text: str, lang: str) -> str:
    """Return a sentence in the language of the paper."""
    if lang != "zh":
        return text
    for pattern, said in _SENTENCES:
        found = pattern.fullmatch(text)
        if found is not None:
            return said.format(*(_word(part) for part in found.groups()))
    return _WORDS.get(text, text)


def field(name: str, lang: str) -> str:
    """Return what a field of the register is called."""
    if lang != "zh":
        return name
    return _FIELDS.get(name) or (heading(name, lang) if name in HEADINGS else name)


def kind(name: str, lang: str) -> str:
    """Return what a kind of resource is called."""
    return _KINDS.get(name, name) if lang == "zh" else name


def _word(part: str) -> str:
    if part in _WORDS:
        return _WORDS[part]
    for english, chinese in _PARTS:
        part = part.replace(english, chinese) if any(digit.isdigit() for digit in part) else part
    return part
