"""Every word a report prints, in English and Chinese. Pure data; `say` looks one up."""

from __future__ import annotations

from collections.abc import Mapping

from hardening.model import ChangeState, Danger, Severity, Status, Verb
from hardening.prediction import Consequence

LANGUAGES = ("en", "zh")

STATUS: Mapping[Status, tuple[str, str]] = {
    Status.PASS: ("pass", "符合"),
    Status.FAIL: ("fail", "不符合"),
    Status.ERROR: ("error", "无法检查"),
    Status.NOT_APPLICABLE: ("n/a", "不适用"),
    Status.MANUAL: ("manual", "人工核查"),
    Status.WAIVED: ("waived", "已豁免"),
    Status.UNREACHABLE: ("unreachable", "不可达"),
}
SEVERITY: Mapping[Severity, tuple[str, str]] = {
    Severity.CRITICAL: ("critical", "严重"),
    Severity.HIGH: ("high", "高"),
    Severity.MEDIUM: ("medium", "中"),
    Severity.LOW: ("low", "低"),
}
CHANGE: Mapping[ChangeState, tuple[str, str]] = {
    ChangeState.CHANGED: ("changed", "已变更"),
    ChangeState.UNCHANGED: ("unchanged", "无需变更"),
    ChangeState.FAILED: ("failed", "变更失败"),
    ChangeState.REVERTED: ("reverted", "已恢复"),
    ChangeState.NOT_REPORTED: ("not reported", "未报告结果"),
    ChangeState.WOULD_CHANGE: ("would change", "将变更"),
    ChangeState.SKIPPED: ("skipped", "已跳过"),
    ChangeState.PUT_BACK: ("put itself back", "主机自行还原"),
    ChangeState.REGRESSION: ("regression", "倒退"),
    ChangeState.NEW: ("new", "新变化"),
    ChangeState.CORRECTIVE: ("corrective", "已改善"),
}
DANGER: Mapping[Danger, tuple[str, str]] = {
    Danger.NONE: ("", ""),
    Danger.RESTART: ("restarts a service", "会重启服务"),
    Danger.LOCKOUT: ("changes how people log in", "会改变登录方式"),
    Danger.REBOOT: ("counts fully only after a reboot", "重启后才完全生效"),
    Danger.DATA: ("changes stored data or rights on it", "会改变数据或其权限"),
}
# What a dry run foresees, by how the plan says it: a verb, then a name of the host's.
EFFECT: Mapping[str, str] = {
    "reloads": "会重新加载 {}",
    "restarts": "会重启 {}",
    "runs": "会运行 {}",
    "changes package": "会变更软件包 {}",
}
VERB: Mapping[Verb, tuple[str, str]] = {
    Verb.SCAN: ("Scan", "扫描"),
    Verb.PLAN: ("Plan", "计划"),
    Verb.APPLY: ("Apply", "加固"),
    Verb.UNDO: ("Undo", "撤销"),
    Verb.DRIFT: ("Drift", "漂移检查"),
    Verb.RECHECK: ("Recheck", "复查"),
    Verb.CLEAN: ("Clean", "清理"),
}
MATCHER: Mapping[str, tuple[str, str]] = {
    "equals": ("equals {}", "等于 {}"),
    "at_most": ("at most {}", "不大于 {}"),
    "at_least": ("at least {}", "不小于 {}"),
    "one_of": ("one of: {}", "取值之一：{}"),
    "subset_of": ("nothing but: {}", "仅限：{}"),
    "superset_of": ("all of: {}", "须包含：{}"),
    "disjoint_from": ("none of: {}", "不得包含：{}"),
    "absent": ("absent", "不存在"),
    "present": ("present", "存在"),
    "matches": ("matches {}", "匹配 {}"),
    "not_matches": ("does not match {}", "不匹配 {}"),
    "mode_at_most": ("mode at most {}", "权限不超过 {}"),
    "each": ("each: {}", "每一项：{}"),
}

TEXT: Mapping[str, tuple[str, str]] = {
    "nothing": ("nothing", "无"),
    "not_set": ("(not set)", "（未设置）"),
    "person": ("a person decides", "由人工判定"),
    "empty": ("(empty)", "（空）"),
    "and": (" and ", " 且 "),
    "running": ("running", "运行中"),
    "on_disk": ("on disk", "磁盘配置"),
    # Sentences about the whole.
    "gap": ("{n} gap", "{n} 项不符合"),
    "planned_change": ("{n} change", "{n} 项"),
    "planned_changes": ("{n} changes", "{n} 项"),
    "gaps": ("{n} gaps", "{n} 项不符合"),
    "no_gaps": ("No gaps", "未发现不符合项"),
    "nothing_said": ("Nothing was asked, so nothing is known.", "未执行任何检查，情况未知。"),
    "unknown": ("{n} unknown", "{n} 项未知"),
    "target": ("{n} target", "{n} 个对象"),
    "targets": ("{n} targets", "{n} 个对象"),
    "result": ("{gaps} on {targets}.", "{targets}中 {gaps}。"),
    "with_unknown": ("{gaps} and {unknown}", "{gaps}，{unknown}"),
    "nothing_asked": (
        "Nothing was asked: no check ran on any host, so this says nothing about them.",
        "未执行任何检查：本报告不能说明任何主机的情况。",
    ),
    "covered": (
        "All {asked} checks on {hosts} were answered.",
        "{hosts}上的 {asked} 项检查全部有结果。",
    ),
    "not_covered": (
        "Incomplete: {missing} of {asked} checks were not answered; {reached} of {hosts} could be reached.",
        "结果不完整：{asked} 项检查中有 {missing} 项未得到结果；{hosts}中 {reached} 台可达。",
    ),
    "host": ("{n} host", "{n} 台主机"),
    "hosts": ("{n} hosts", "{n} 台主机"),
    "unfinished": (
        "The campaign did not finish: it still runs or was interrupted.",
        "任务未完成：仍在运行或已被中断。",
    ),
    "not_done": (
        "{n} of {all} changes could not be made or were not reported.",
        "{all} 项变更中有 {n} 项未完成或未报告结果。",
    ),
    "did_harm": (
        "{n} of {all} changes are on hosts that failed a health check since.",
        "{all} 项变更中有 {n} 项所在主机此后健康检查未通过。",
    ),
    # Headings and remarks of tables.
    "target_column": ("target", "对象"),
    "control": ("control", "检查项"),
    "severity": ("severity", "级别"),
    "wanted": ("wanted", "期望"),
    "seen": ("seen", "实际"),
    "change": ("change", "变更"),
    "touched": ("touched", "涉及"),
    "before": ("before", "加固前"),
    "compared_with": ("{campaign}", "{campaign}"),
    "trend": ("Since then", "历次任务"),
    "started": ("started", "开始时间"),
    "score": ("score", "得分"),
    "incomplete": ("incomplete", "不完整"),
    "hosts_column": ("hosts", "主机"),
    "campaign": ("campaign", "任务"),
    "all": ("all", "合计"),
    "other_targets": ("{n} targets without bad news", "其余 {n} 个无问题对象"),
    "more_targets": ("{n} more targets", "其余 {n} 个对象"),
    "more_gaps": ("and {n} more gaps: write a report to see them all", "另有 {n} 项不符合，完整内容见报告"),
    "more_changes": ("and {n} more: the plan file or a report has them all", "另有 {n} 项，完整内容见计划文件或报告"),
    "more_left": ("and {n} more: the plan file has them all", "另有 {n} 项，完整内容见计划文件"),
    "now": ("now", "当前"),
    "will_be": ("will be", "变更为"),
    "effect": ("effect", "影响"),
    "left": ("left to a person", "留待人工处理"),
    "why": ("why", "原因"),
    "blocked": ("blocked: {why}", "受阻：{why}"),
    "waiver_expired": ("waiver expired on {day} ({ticket})", "豁免已于 {day} 到期（{ticket}）"),
    "attested_n": ("attested by a person: {n}", "人工核查：{n}"),
    "attested_until": (
        "attested by {by} on {day}, until {until}: {seen}",
        "由 {by} 于 {day} 核查，有效期至 {until}：{seen}",
    ),
    "attestation_ended": (
        "the attestation by {by} of {day} ended on {until}",
        "{by} 于 {day} 的核查记录已于 {until} 到期",
    ),
    "beside": ("beside ours, counted nowhere", "仅作旁证，不计入统计"),
    "imported_results": ("results", "结果"),
    "tool_column": ("tool", "工具"),
    "file_column": ("file", "文件"),
    "beyond_undo": ("undo does not bring back: {what}", "撤销无法恢复：{what}"),
    "predicted": ("predicted, no dry run", "预测值，未经试运行"),
    "plan_result": (
        "{change} on {hosts}, {blocked} blocked, {left} left to a person.",
        "计划变更 {change}，涉及 {hosts}，受阻 {blocked} 项，留待人工处理 {left} 项。",
    ),
    "planned_by": ("planned by {who} at {at}, catalogue {catalogue}", "计划人 {who}，时间 {at}，检查项库 {catalogue}"),
    "host_column": ("host", "主机"),
    "breaks": ("would break", "预计影响"),
    "acknowledge": ("acknowledge", "确认码"),
    "changes_column": ("changes", "变更数"),
    "more_predictions": ("and {n} more: the plan file has them all", "另有 {n} 项，完整内容见计划文件"),
    "needs_accept": ("To apply all of it: {names}", "全部执行需要确认：{names}"),
    "approved": ("approved by {name}, ticket {ticket}, at {at}", "审批人 {name}，工单 {ticket}，审批时间 {at}"),
    "unapproved": ("not approved", "未经审批"),
    "mlps_note": (
        "This is a self-check. It does not replace a graded assessment by a licensed body.",
        "自查结果，不替代等级测评。",
    ),
}

CONSEQUENCE: Mapping[Consequence, tuple[str, str]] = {
    Consequence.LOCKOUT: ("our way in", "我们的登录"),
    Consequence.OUTAGE: ("a service", "业务服务"),
    Consequence.UNKNOWN: ("unknown", "未知"),
    Consequence.FAILURE: ("the change itself", "变更本身"),
}


def effect_words(effect: str, lang: str) -> str:
    """Return a side effect that a plan foresees in a language."""
    for english, chinese in DANGER.values():
        if effect == english:
            return chinese if lang == "zh" else english
    for verb, chinese in EFFECT.items():
        if lang == "zh" and effect.startswith(f"{verb} "):
            return chinese.format(effect.removeprefix(f"{verb} "))
    return effect


def say(key: str, lang: str, **values: object) -> str:
    """Return one phrase in a language."""
    return TEXT[key][LANGUAGES.index(lang)].format(**values)


def counted(one: str, many: str, number: int, lang: str) -> str:
    """Return `1 gap`, `2 gaps`, `1,204 gaps`."""
    return say(one if number == 1 else many, lang, n=f"{number:,}")
