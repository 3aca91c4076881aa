# ruff: noqa: E501 - a sentence and its translation read better on a line each
"""The words of the workbook and the documents, in English and Chinese. Pure data; `office` looks one up."""

from __future__ import annotations

from collections.abc import Mapping

from hardening.clauses import RateRule, Risk, Verdict
from hardening.reports.words import LANGUAGES

VERDICT: Mapping[Verdict, tuple[str, str]] = {
    Verdict.COMPLIANT: ("compliant", "符合"),
    Verdict.PARTLY: ("partly compliant", "部分符合"),
    Verdict.NOT_COMPLIANT: ("not compliant", "不符合"),
    Verdict.NOT_APPLICABLE: ("not applicable", "不适用"),
    Verdict.TO_CONFIRM: ("to be confirmed", "待确认"),
}
RISK: Mapping[Risk, tuple[str, str]] = {
    Risk.HIGH: ("high", "高"),
    Risk.MEDIUM: ("medium", "中"),
    Risk.LOW: ("low", "低"),
}
RULE: Mapping[RateRule, tuple[str, str]] = {
    RateRule.STRICT: (
        "compliant items ÷ (all items − not applicable); partly compliant and to be confirmed count as nothing",
        "符合项 ÷（总项 − 不适用项）；部分符合、待确认均不计为符合",
    ),
    RateRule.HALF: (
        "(compliant items + ½ partly compliant) ÷ (all items − not applicable); to be confirmed counts as nothing",
        "（符合项 + 0.5 × 部分符合项）÷（总项 − 不适用项）；待确认不计为符合",
    ),
    RateRule.BY_CLAUSE: (
        "clauses compliant on every object ÷ (all clauses − not applicable)",
        "在全部对象上均符合的条款数 ÷（条款总数 − 不适用条款数）",
    ),
}
RULE_NAME: Mapping[RateRule, tuple[str, str]] = {
    RateRule.STRICT: ("strict", "从严"),
    RateRule.HALF: ("half for partly", "部分符合计半"),
    RateRule.BY_CLAUSE: ("by clause", "按条款"),
}

STANDARD: Mapping[str, tuple[str, str]] = {
    "mlps": ("MLPS 2.0 (GB/T 22239-2019)", "等级保护 2.0（GB/T 22239-2019）"),
}
AREA: Mapping[str, tuple[str, str]] = {
    "1.2": ("Communication network", "安全通信网络"),
    "1.3": ("Area boundary", "安全区域边界"),
    "1.4": ("Computing environment", "安全计算环境"),
    "1.5": ("Management centre", "安全管理中心"),
    "1.7": ("Security organisation", "安全管理机构"),
    "1.10": ("Operation and maintenance", "安全运维管理"),
}
_DATA_L3: Mapping[str, tuple[str, str]] = {
    "7": ("Data integrity", "数据完整性"),
    "8": ("Data confidentiality", "数据保密性"),
    "9": ("Data backup and recovery", "数据备份恢复"),
    "10": ("Residual information", "剩余信息保护"),
    "11": ("Personal data", "个人信息保护"),
}
_DATA_L2: Mapping[str, tuple[str, str]] = {
    "7": ("Data integrity", "数据完整性"),
    "8": ("Data backup and recovery", "数据备份恢复"),
    "9": ("Residual information", "剩余信息保护"),
    "10": ("Personal data", "个人信息保护"),
}
_HOST: Mapping[str, tuple[str, str]] = {
    "1": ("Identification and authentication", "身份鉴别"),
    "2": ("Access control", "访问控制"),
    "3": ("Security audit", "安全审计"),
    "4": ("Intrusion prevention", "入侵防范"),
    "5": ("Malicious code", "恶意代码防范"),
    "6": ("Trusted verification", "可信验证"),
}
POINT: Mapping[str, tuple[str, str]] = {
    **{f"{level}.1.4.{number}": words for level in ("7", "8") for number, words in _HOST.items()},
    **{f"7.1.4.{number}": words for number, words in _DATA_L2.items()},
    **{f"8.1.4.{number}": words for number, words in _DATA_L3.items()},
    **{
        f"{level}.{number}": words
        for level in ("7", "8")
        for number, words in {
            "1.2.2": ("Communication", "通信传输"),
            "1.3.2": ("Access control", "访问控制"),
            "1.3.5": ("Security audit", "安全审计"),
            "1.5.1": ("System management", "系统管理"),
            "1.5.4": ("Central control", "集中管控"),
            "1.7.5": ("Review and inspection", "审核和检查"),
            "1.10.5": ("Vulnerabilities and risks", "漏洞和风险管理"),
            "1.10.6": ("Network and system security", "网络和系统安全管理"),
            "1.10.7": ("Malicious code", "恶意代码防范管理"),
            "1.10.8": ("Configuration", "配置管理"),
        }.items()
    },
}

OFFICE: Mapping[str, tuple[str, str]] = {
    # Names of sheets: at most 31 characters, none of []:*?/\
    "summary": ("Summary", "概要"),
    "gaps": ("Gaps", "差距表"),
    "remediation": ("Remediation record", "整改记录"),
    "open": ("To be confirmed", "待确认项"),
    "matrix": ("Controls by host", "主机矩阵"),
    "waivers": ("Waivers", "豁免登记"),
    "coverage": ("Coverage", "覆盖情况"),
    "trend": ("Trend", "历次任务"),
    "complete": ("complete", "是否完整"),
    "clauses": ("Clauses", "条款判定"),
    "clause_items": ("Clauses by object", "条款对象判定"),
    "risks": ("High risks", "高风险清单"),
    # Titles.
    "workbook": ("Hardening workbook", "安全基线核查与加固记录"),
    "gap_report": ("Gap analysis report", "差距分析报告"),
    "remediation_report": ("Hardening and remediation report", "加固整改报告"),
    # Columns.
    "no": ("no.", "序号"),
    "object": ("object", "对象"),
    "objects": ("objects", "对象"),
    "address": ("address", "IP 地址"),
    "area": ("class", "安全类"),
    "point": ("control point", "控制点"),
    "clause": ("clause", "条款"),
    "text": ("requirement", "要求"),
    "control": ("check", "检查项"),
    "control_id": ("check id", "检查项编号"),
    "component": ("component", "组件"),
    "wanted": ("wanted", "期望值"),
    "state": ("seen", "现状（证据）"),
    "verdict": ("verdict", "判定"),
    "severity": ("severity", "级别"),
    "risk": ("risk", "风险等级"),
    "advice": ("advice", "整改建议"),
    "owner": ("owner", "责任人"),
    "due": ("due", "计划完成"),
    "retest": ("retest", "复测结果"),
    "before": ("before", "整改前"),
    "measure": ("what was done", "整改措施"),
    "after": ("after", "整改后"),
    "outcome": ("outcome", "变更结果"),
    "when": ("when (UTC)", "时间（UTC）"),
    "who": ("by", "操作人"),
    "remark": ("remark", "备注"),
    "reason": ("reason", "原因"),
    "status": ("status", "状态"),
    "count": ("count", "数量"),
    "needs": ("how to settle it", "确认方式"),
    "evidence": ("how it was asked", "取证命令"),
    "compensating": ("compensating measure", "补偿措施"),
    "ticket": ("ticket", "工单"),
    "expires": ("expires", "到期日"),
    "case": ("high-risk case it may be", "可能对应的高风险情形"),
    "adjusted": ("adjusted risk", "调整后风险等级"),
    "host": ("host", "主机"),
    "system": ("system", "操作系统"),
    "reached": ("reached", "是否可达"),
    "asked": ("asked", "应查"),
    "seen": ("answered", "已查"),
    "unseen": ("not seen", "未查"),
    "checks": ("checks", "检查数"),
    "n_gaps": ("gaps", "不符合数"),
    "n_accepted": ("accepted", "风险接受数"),
    "n_open": ("open", "待确认数"),
    "failing": ("failing hosts", "不符合主机数"),
    "item": ("item", "项目"),
    "value": ("value", "内容"),
    "rule": ("rule", "规则"),
    "rate": ("rate", "符合率"),
    "rate_heading": ("Rate of compliance", "符合率"),
    "best": ("at most, once all is confirmed", "待确认项全部符合时"),
    "basis": ("how it is worked out", "计算方法"),
    "chosen": ("used here", "本报告采用"),
    "all": ("all", "合计"),
    "from": ("before", "整改前状态"),
    "to": ("after", "整改后状态"),
    "attestations": ("Attestations", "人工核查记录"),
    "attested_by": ("attested by", "核查人"),
    "attested_on": ("seen on", "核查日期"),
    "attested_seen": ("what was seen", "核查情况"),
    "attachments": ("attachments", "附件"),
    "recorded_by": ("recorded by", "登记人"),
    "imports": ("Other tools", "第三方工具结果"),
    "tool_name": ("tool", "工具"),
    "file": ("file", "文件"),
    "their_id": ("its id", "原始编号"),
    "their_title": ("its title", "原始标题"),
    "their_severity": ("its severity", "原始级别"),
    "their_result": ("its result", "原始结果"),
    "said": ("what it said", "原始说明"),
    "approver": ("approver", "批准人"),
    "beside": ("other evidence", "其他证据"),
    # Values.
    "yes": ("yes", "是"),
    "no_": ("no", "否"),
    "accepted": ("not compliant, risk accepted", "不符合（风险已接受）"),
    "none_recorded": ("none recorded", "未记录"),
    "proposed": ("{risk} (proposed, to be confirmed)", "{risk}（建议，待确认）"),
    "and_more": ("and {n} more", "等，另有 {n} 个"),
    "not_asked": ("not asked", "未检查"),
    "unanswered": ("no check of this profile answers it", "本基线没有对应检查项"),
    "lost_before": ("the host was not reached", "主机不可达"),
    "changes_done": ("{n} of {all} changes were made.", "共 {all} 项变更，已完成 {n} 项。"),
    "rows_left_out": (
        "{n} more rows are left out here; the workbook of this campaign has them all.",
        "此处另有 {n} 行未列出，完整内容见本次任务的 Excel 表格。",
    ),
    # Advice.
    "bring_to": ("Bring it to: {wanted}.", "调整为：{wanted}。"),
    "applies": ("Applying the plan does it.", "可由加固计划自动完成。"),
    "applies_danger": ("Applying the plan does it; it {danger}.", "可由加固计划自动完成；注意：{danger}。"),
    "by_person": ("A person must do it: {why}.", "须人工处理：{why}。"),
    "needs_person": ("a person decides and records what was seen", "由人工核查并记录结果"),
    "needs_look": ("remove the cause, then scan again", "排除原因后重新扫描"),
    "needs_reach": ("make the host reachable, then scan again", "恢复主机可达后重新扫描"),
    "needs_manual": ("ask for evidence outside this tool", "通过访谈、查阅等方式另行取证"),
    "no_attestations": ("No control was attested by a person.", "没有人工核查记录。"),
    "no_imports": ("No result of another tool was imported.", "未导入第三方工具结果。"),
    "imports_note": (
        "What other tools said stands beside this report and is counted nowhere in it; the JSON report holds every result.",
        "第三方工具结果仅作旁证，不计入本报告任何统计；全部结果见 JSON 报告。",
    ),
    # Sentences.
    "no_gaps": ("No gap was found among what could be seen.", "在已检查范围内未发现不符合项。"),
    "no_changes": ("This campaign changed nothing.", "本次任务未执行变更。"),
    "no_open": ("Everything that was asked was also seen.", "全部检查项均有结果。"),
    "no_waivers": ("No waiver was used.", "未使用豁免。"),
    "no_clauses": ("The profile answers no standard.", "所用基线未对应任何标准。"),
    "no_risks": (
        "No gap of high or critical severity was found among what could be seen.",
        "在已检查范围内未发现高风险不符合项。",
    ),
    "no_findings": ("Nothing was asked.", "未执行任何检查。"),
    "rate_note": (
        "An item is one clause on one object. No published rule says how partly compliant items count, so the rule is stated and can be switched. Only clauses that a host can give evidence for are covered, not all items of a graded assessment.",
        "“项”指一个条款在一个对象上的判定。公开资料未明确部分符合项如何计入，故列明规则并可切换。仅覆盖主机侧可取证的条款，并非等级测评的全部指标。",
    ),
    "bands": (
        "For orientation: in a graded assessment of 2025 or later, above 90 % and without a major hazard is compliant, 60 to 90 % basically compliant, below 60 % not compliant; the assessor decides.",
        "供参考：2025 版测评报告以符合率大于 90% 且无重大风险隐患为符合，60%～90% 为基本符合，低于 60% 为不符合；最终结论由测评机构作出。",
    ),
    "risk_note": (
        "Gaps of high and critical severity. The adjusted risk is a proposal: one step lower where a compensating measure is recorded, never for critical gaps or cases that no measure lowers.",
        "列出级别为高、严重的不符合项。调整后风险等级为建议值：记录有补偿措施的降一级；严重级别及不可降低的情形不予调整，须由人工确认。",
    ),
    "self_check": ("Self-check", "自查"),
    # The campaign.
    "campaign": ("Campaign", "任务编号"),
    "verb": ("Kind", "任务类型"),
    "profile": ("Profile", "基线"),
    "started": ("Started (UTC)", "开始时间（UTC）"),
    "finished": ("Finished (UTC)", "结束时间（UTC）"),
    "never_ended": ("never ended", "未结束"),
    "actor": ("Run by", "执行人"),
    "tool": ("Tool version", "工具版本"),
    "profile_digest": ("Profile SHA-256", "基线 SHA-256"),
    "catalogue_digest": ("Catalogue SHA-256", "检查项库 SHA-256"),
    "parent": ("Follows", "前序任务"),
    "hosts": ("Hosts", "主机数"),
    "hosts_reached": ("{seen} of {asked} reached", "{asked} 台中 {seen} 台可达"),
    "pairs": ("Checks answered", "检查完成情况"),
    "pairs_of": ("{seen} of {asked}", "应查 {asked} 项，已查 {seen} 项"),
    "result": ("Result", "结果"),
    "by_status": ("Checks by status", "检查结果统计"),
    "by_severity": ("Gaps by severity", "不符合项按级别统计"),
    "by_verdict": ("Clause verdicts", "条款判定统计"),
    "by_item": ("items", "项数"),
    "by_clause": ("clauses", "条款数"),
    "moves": ("Before and after", "整改前后对比"),
    "warning": ("Attention", "注意"),
    "page": ("Page &P of &N", "第 &P 页 共 &N 页"),
    "why_not": ("What could not be seen, and why", "未能检查的原因"),
}


def office(key: str, lang: str, **values: object) -> str:
    """Return one phrase of the office formats in a language."""
    phrase = OFFICE[key][LANGUAGES.index(lang)]
    return phrase.format(**values) if values else phrase


def area(clause: str, lang: str) -> str:
    """Return the class of a clause (安全类); empty where it is not an MLPS clause."""
    parts = clause.split(" ")[0].split(".")
    return AREA.get(".".join(parts[1:3]), ("", ""))[LANGUAGES.index(lang)] if parts[0] in ("7", "8") else ""


def point(clause: str, lang: str) -> str:
    """Return the control point of a clause (控制点); empty where it is not an MLPS clause."""
    return POINT.get(clause.split(" ")[0], ("", ""))[LANGUAGES.index(lang)]
