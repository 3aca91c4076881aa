"""What inspections say in English and Chinese."""

from __future__ import annotations

from datetime import datetime, tzinfo

from hardening.inspected import PLANS, Act, Incident, Level, Reading, Verdict
from hardening.inspection import chinese
from hardening.model import Json

VERDICTS = {
    Verdict.OK: ("normal", "正常"),
    Verdict.WARN: ("warning", "告警"),
    Verdict.CRITICAL: ("anomaly", "异常"),
    Verdict.UNKNOWN: ("could not look", "未能检查"),
    Verdict.NOT_APPLICABLE: ("not applicable", "不适用"),
}
LEVELS = {Level.CORE: ("core", "核心"), Level.IMPORTANT: ("important", "重要"), Level.ORDINARY: ("ordinary", "一般")}
ACTS = {
    Act.OPENED: ("registered", "登记"),
    Act.WORSE: ("got worse", "加重"),
    Act.REOPENED: ("came again", "复发"),
    Act.HELD: ("held open, as it comes and goes", "反复出现，保持打开"),
    Act.ASSIGNED: ("assigned", "指派"),
    Act.RESPONDED: ("taken on", "响应"),
    Act.NOTIFIED: ("told", "通知"),
    Act.RECOVERED: ("good again, under watch", "恢复，观察中"),
    Act.RELAPSED: ("bad again", "再次异常"),
    Act.CLOSED: ("closed", "关闭"),
    Act.ATTACHED: ("follows from", "归为连带事件，根因"),
    Act.DETACHED: ("stands on its own, no longer follows from", "转为独立事件，原根因"),
}
CATEGORIES = {
    "account": ("Accounts and permissions", "账户与权限"),
    "backup": ("Backups", "备份"),
    "capacity": ("Performance and capacity", "性能与容量"),
    "certificate": ("Certificates", "证书"),
    "clock": ("Time", "时间同步"),
    "host": ("Hosts", "主机"),
    "interface": ("Ports and interfaces", "端口与接口"),
    "job": ("Scheduled jobs", "计划任务"),
    "log": ("Logs", "日志"),
    "mariadb": ("MariaDB", "MariaDB 数据库"),
    "network": ("Network and lines", "网络与线路"),
    "nginx": ("nginx", "nginx 中间件"),
    "plan": ("Plans", "巡检计划"),
    "postgresql": ("PostgreSQL", "PostgreSQL 数据库"),
    "process": ("Processes", "进程"),
    "rabbitmq": ("RabbitMQ", "RabbitMQ 中间件"),
    "redis": ("Redis", "Redis 缓存"),
    "service": ("Services", "系统服务"),
    "tomcat": ("Tomcat", "Tomcat 中间件"),
    "update": ("Updates and antivirus", "补丁与防病毒"),
}


def verdict(held: Verdict, lang: str) -> str:
    """Return how a verdict is called."""
    return VERDICTS[held][lang == "zh"]


def level(held: Level, lang: str) -> str:
    """Return how a business level is called."""
    return LEVELS[held][lang == "zh"]


def category(name: str, lang: str) -> str:
    """Return how a category is called; one of the user's own goes by its name."""
    return CATEGORIES.get(name, (name, name))[lang == "zh"]


def local(moment: datetime | None, zone: tzinfo) -> str:
    """Return a moment in a zone to the minute, or a dash."""
    return "-" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def measured(reading: Reading, unit: str, lang: str) -> str:
    """Return what was measured, as a person reads it."""
    zh = lang == "zh"
    value = figure(reading.value)
    reason = chinese.reason(reading.reason) if zh else reading.reason
    if reading.value is None:
        return reason or ("没有" if zh else "nothing")
    if unit and isinstance(reading.value, int | float):
        value = f"{value} {chinese.unit(unit) if zh else unit}".rstrip()
    elif zh:
        value = chinese.value(value)
    return f"{value} ({reason})" if reason else value


def threshold(said: str, lang: str) -> str:
    """Return what is bad, as the paper's reader has it."""
    return chinese.threshold(said) if lang == "zh" else said


def follows_from(incident: Incident, lang: str) -> str:
    """Return which incident one follows from, nothing where it follows from none."""
    if not incident.consequence_of:
        return ""
    return f"连带于 {incident.consequence_of}" if lang == "zh" else f"follows from {incident.consequence_of}"


def host_name(name: str, lang: str) -> str:
    """Return a host; what belongs to no host has a name in brackets."""
    return "（巡检计划）" if name == PLANS and lang == "zh" else name


def figure(value: Json) -> str:
    """Return a value in short."""
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "-"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
