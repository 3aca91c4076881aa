"""The words of the resource tables, the workbook and the page, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from hardening.resource_model import Step
from hardening.resources.columns import CHINESE
from hardening.resources.drifting import Kind
from hardening.resources.forecasting import Outlook
from hardening.resources.using import Use

WORDS: Mapping[str, tuple[str, str]] = {
    "resources": ("Resources", "资源台账"),
    "servers": ("Servers", "服务器资源台账"),
    "lines": ("Network lines", "网络线路台账"),
    "data": ("Data", "数据分布表"),
    "services": ("Services", "服务台账"),
    "allocations": ("Allocations", "资源分配记录"),
    "drift": ("Register and hosts", "台账与实际差异"),
    "forecast": ("Forecast", "容量预测"),
    "use": ("Use", "资源利用"),
    "commit": ("Allocated and used", "分配与占用"),
    "unseen": ("Not seen", "未能采集"),
    "plan": ("Proposed placement", "放置方案"),
    "trend": ("Trend", "趋势"),
    "host": ("Host", "主机"),
    "hostname": ("Host name", "主机名"),
    "system": ("System", "所属系统"),
    "purpose": ("Purpose", "用途"),
    "level": ("Business level", "业务等级"),
    "internal": ("Address (internal)", "内网IP"),
    "external": ("Address (external)", "外网IP"),
    "os": ("Operating system", "OS版本"),
    "cpu": ("CPU", "CPU"),
    "cpus": ("CPUs", "CPU（核）"),
    "memory": ("Memory (GiB)", "内存（GiB）"),
    "disk": ("Disk (GiB)", "磁盘（GiB）"),
    "disk_used": ("Disk used (GiB)", "磁盘已用（GiB）"),
    "form": ("Form", "虚拟或物理"),
    "platform": ("Cloud platform", "云平台"),
    "place": ("Location, rack", "位置·机柜"),
    "whose": ("Department, owner", "责任部门、责任人"),
    "mlps": ("MLPS level", "等保级别"),
    "runs": ("Middleware and services", "中间件·服务"),
    "databases": ("Databases", "数据库"),
    "ports": ("Open ports", "开放端口"),
    "in_service": ("In service on", "上线"),
    "warranty": ("Warranty ends", "维保到期"),
    "state": ("State", "状态"),
    "changes": ("Changes", "变更记录"),
    "looked": ("Looked at (UTC)", "采集时间（UTC）"),
    "updates": ("Security updates pending", "待装安全更新"),
    "name": ("Name", "名称"),
    "provider": ("Provider", "运营商"),
    "type": ("Type", "类型"),
    "bandwidth": ("Bandwidth (Mbit/s)", "带宽（Mbit/s）"),
    "ends": ("Ends", "两端"),
    "peak": ("Peak", "峰值"),
    "p95": ("95th percentile", "95分位"),
    "mean": ("Mean", "均值"),
    "readings": ("Readings", "样本数"),
    "verdict": ("Verdict", "结论"),
    "expires": ("Expires on", "到期"),
    "contact": ("Contact", "联系人"),
    "backup_line": ("Backup line", "冗余线路"),
    "note": ("Note", "备注"),
    "category": ("Category, classification", "类别·级别"),
    "lies": ("Database, host, directory", "所在库·主机·目录"),
    "size": ("Size (GiB)", "容量（GiB）"),
    "growth_month": ("Growth per month (GiB)", "月增量（GiB）"),
    "backup": ("Backup to, every", "备份位置·周期"),
    "shared": ("Shared with", "共享去向"),
    "owner": ("Owner", "责任人"),
    "hosts": ("Hosts", "主机"),
    "request": ("Request", "申请"),
    "step": ("Step", "环节"),
    "by": ("By", "经办人"),
    "ticket": ("Ticket", "单号"),
    "when": ("When (UTC)", "时间（UTC）"),
    "spec": ("Specification", "规格"),
    "reason": ("Reason", "原因"),
    "kind": ("Kind", "类别"),
    "subject": ("Subject", "对象"),
    "field": ("Field", "字段"),
    "declared": ("Register", "台账"),
    "observed": ("Seen", "实际"),
    "now": ("Now", "当前"),
    "limit": ("Limit", "上限"),
    "growth_day": ("Growth per day", "日增量"),
    "days": ("Days to full", "预计可用天数"),
    "between": ("Between (95 %)", "区间（95 %）"),
    "days_seen": ("Days seen", "样本天数"),
    "proposed": ("Proposed size", "建议规格"),
    "share": ("Share", "占比"),
    "allocated": ("Taken", "已占用"),
    "there": ("There is", "实有"),
    "service": ("Service", "服务"),
    "chosen": ("Instances", "实例数"),
    "why": ("Why", "理由"),
    "part": ("Part", "部分"),
    "earliest": ("Earliest", "最早"),
    "latest": ("Latest", "最晚"),
    "value": ("Value", "数值"),
    "at": ("At (UTC)", "时间（UTC）"),
    "minimum": ("Lowest", "最小"),
    "maximum": ("Highest", "最大"),
    "empty": ("Nothing to show.", "无内容。"),
    "not_seen": ("not seen", "未能采集"),
    "not_reached": ("not reached", "未连通"),
    "not_measured": ("not measured", "未测量"),
    "never": ("never looked at", "从未采集"),
    "asked_at": ("As of", "截至"),
    "window": ("Numbers of the last {days} days", "近 {days} 天的数据"),
    "method": (
        (
            "Forecasts: Theil-Sen line through one value a day (median; for lines the peak), 95 % interval; fewer than"
            " {fewest} days give no forecast. Use: 95th percentile. What was not seen is said, never counted as zero."
        ),
        (
            "预测：对每日数值（中位数；线路取峰值）作 Theil-Sen 回归，95 % 区间；不足 {fewest} 天不作预测。"
            "利用率取 95 分位。未能采集的如实注明，绝不按零计。"
        ),
    ),
    "chart": ("used, with its limit", "已用及上限"),
    "fully_seen": ("hosts seen in full", "完整采集的主机"),
    "partly_seen": ("hosts seen in part", "部分采集的主机"),
    "unreached": ("hosts not reached", "未连通的主机"),
    "filling": ("fill within 90 days", "90 天内将满"),
    "over_used": ("over-used", "过载"),
    "differences": ("differences", "差异"),
}
ENUMS: Mapping[StrEnum, tuple[str, str]] = {
    **{word: (word.value.replace("_", " "), chinese) for word, chinese in CHINESE.items()},
    Kind.DIFFERS: ("differs", "不一致"),
    Kind.UNREGISTERED: ("not registered", "未登记"),
    Kind.DUE: ("due", "到期"),
    Kind.UNSEEN: ("not seen", "未能采集"),
    Outlook.FULL: ("full", "已满"),
    Outlook.FILLING: ("filling", "将满"),
    Outlook.MAY_FILL: ("may fill", "可能会满"),
    Outlook.STEADY: ("steady", "平稳"),
    Outlook.TOO_FEW: ("too few days", "样本不足"),
    Outlook.NO_LIMIT: ("no limit known", "上限未知"),
    Use.OVER: ("over-used", "过载"),
    Use.RIGHT: ("about right", "适中"),
    Use.UNDER: ("under-used", "闲置"),
    Use.UNKNOWN: ("too few readings", "样本不足"),
    Step.REQUESTED: ("requested", "已申请"),
    Step.APPROVED: ("approved", "已审批"),
    Step.REFUSED: ("refused", "已驳回"),
    Step.ALLOCATED: ("allocated", "已分配"),
    Step.CHANGED: ("changed", "已变更"),
    Step.RELEASED: ("released", "已释放"),
}


def word(key: str, lang: str, **values: object) -> str:
    """Return a word or sentence."""
    text = WORDS[key][lang == "zh"]
    return text.format(**values) if values else text


def enum_word(value: StrEnum, lang: str) -> str:
    """Return what a value of an enumeration is called."""
    return ENUMS[value][lang == "zh"]
