# ruff: noqa: E501 - a sentence and its translation read better on a line each
"""What stands in the Word templates, section by section, in English and Chinese. Pure data but for the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tools.docx_others import CHECK, CLAUSE, OBJECTS, left_out, others, trend
from tools.docx_page import NAVY, Field, Page, Text

GAP: Text = ("Gap analysis report", "差距分析报告")
REMEDIATION: Text = ("Hardening and remediation report", "加固整改报告")

COUNT: Text = ("count", "数量")
NO: Text = ("no.", "序号")

GAP_SECTIONS: Sequence[Text] = (
    ("1  Summary", "1  概述"),
    ("2  Scope and method", "2  范围与方法"),
    ("3  Gaps by severity", "3  差距（按级别）"),
    ("4  Clauses", "4  条款判定"),
    ("5  High risks", "5  高风险清单"),
    ("6  Waivers", "6  豁免登记"),
    ("7  Attestations and other tools", "7  人工核查与第三方结果"),
    ("8  What could not be seen", "8  未能检查与待确认内容"),
    ("9  Signatures", "9  签字与盖章"),
)
REMEDIATION_SECTIONS: Sequence[Text] = (
    ("1  Summary", "1  概述"),
    ("2  Approval, scope and method", "2  审批、范围与方法"),
    ("3  Remediation record", "3  整改记录"),
    ("4  Gaps that remain", "4  遗留差距"),
    ("5  Clauses after remediation", "5  整改后条款判定"),
    ("6  High risks", "6  高风险清单"),
    ("7  Waivers", "7  豁免登记"),
    ("8  Attestations and other tools", "8  人工核查与第三方结果"),
    ("9  What could not be seen", "9  未能检查与待确认内容"),
    ("10  Signatures", "10  签字与盖章"),
)


def gap_report(lang: str) -> bytes:
    """Return the template of the gap analysis."""
    page, sections = Page(lang, GAP[lang == "zh"]), iter(GAP_SECTIONS)
    _front(page, GAP, GAP_SECTIONS)
    page.heading(next(sections))
    _summary(page, changed=False)
    page.heading(next(sections))
    _scope(page)
    page.heading(next(sections))
    _gaps(page)
    page.heading(next(sections))
    _clauses(page)
    page.heading(next(sections))
    _risks(page)
    page.heading(next(sections))
    _waivers(page)
    page.heading(next(sections))
    others(page)
    page.heading(next(sections))
    _open(page)
    page.page_break()
    page.heading(next(sections))
    _signatures(page)
    return page.bytes()


def remediation_report(lang: str) -> bytes:
    """Return the template of the remediation report."""
    page, sections = Page(lang, REMEDIATION[lang == "zh"]), iter(REMEDIATION_SECTIONS)
    _front(page, REMEDIATION, REMEDIATION_SECTIONS)
    page.heading(next(sections))
    _summary(page, changed=True)
    page.heading(next(sections))
    _approval(page)
    _scope(page)
    page.heading(next(sections))
    _remedies(page)
    page.heading(next(sections))
    _gaps(page)
    page.heading(next(sections))
    _clauses(page)
    page.heading(next(sections))
    _risks(page)
    page.heading(next(sections))
    _waivers(page)
    page.heading(next(sections))
    others(page)
    page.heading(next(sections))
    _open(page)
    page.page_break()
    page.heading(next(sections))
    _signatures(page)
    return page.bytes()


REPORTS: Mapping[str, Callable[[str], bytes]] = {"gap-analysis": gap_report, "remediation": remediation_report}


def _front(page: Page, title: Text, sections: Sequence[Text]) -> None:
    page.running(title)
    for _ in range(4):
        page.paragraph("")
    page.centred(title, 24, bold=True, after=10, rgb=NAVY)
    page.centred("{{ campaign.profile }}", 15, after=60)
    page.pairs(
        (
            (("System", "系统名称"), ""),
            (("Customer", "委托单位"), ""),
            (("Contractor", "实施单位"), ""),
            (("Campaign", "任务编号"), "{{ campaign.id }}"),
            (("Date", "日期"), "{{ campaign.date }}"),
            (("Run by", "执行人"), "{{ campaign.actor }}"),
            (("Approval", "审批"), "{{ campaign.approval }}"),
        ),
        widths=(4.0, 10.0),
        high=0.9,
    )
    for _ in range(2):
        page.paragraph("")
    page.centred("{{ note }}", 11, bold=True)
    page.page_break()
    page.contents(sections)
    page.page_break()


def _summary(page: Page, *, changed: bool) -> None:
    page.alarms()
    page.paragraph("{{ summary.result }}", bold=True)
    page.loop("if not alarms")
    page.paragraph("{{ summary.coverage }}")
    page.loop("endif")
    if changed:
        page.paragraph("{{ summary.changes }}")
    page.heading(("Checks by status", "检查结果统计"), 2)
    status: Field = (("status", "状态"), 6.0, "{{ each.name }}", "each.colour")
    before: Field = (("before", "整改前"), 5.5, "{{ each.before }}", "")
    now: Field = ((("now", "整改后") if changed else COUNT), 5.5, "{{ each.count }}", "")
    page.table("each in summary.statuses", (status, *((before,) if changed else ()), now))
    page.heading(("Gaps by severity", "不符合项级别分布"), 2)
    severity: Field = (("severity", "级别"), 6.0, "{{ each.name }}", "each.colour")
    page.table("each in summary.severities", (severity, *((before,) if changed else ()), now))
    if changed:
        page.heading(("How checks moved", "整改前后对比"), 2)
        page.table(
            "each in summary.moves",
            (
                (("before", "整改前"), 6.0, "{{ each.before }}", "each.before_colour"),
                (("after", "整改后"), 6.0, "{{ each.after }}", "each.after_colour"),
                (COUNT, 5.0, "{{ each.count }}", ""),
            ),
        )
    trend(page)


def _approval(page: Page) -> None:
    page.heading(("Approval", "审批与授权"), 2)
    page.pairs(
        (
            (("Approval no.", "审批单号"), ""),
            (("Change window", "变更窗口"), ""),
            (("Plan", "加固计划"), "{{ campaign.parent }}"),
            (("Effect on business", "对业务的影响"), ""),
        )
    )
    page.heading(("Backup and rollback", "备份与回退"), 2)
    page.paragraph(
        (
            "Before each change the touched files, services and settings of a host were captured on it. Every change of this campaign can be undone for a single check on a single host: hardening undo {{ campaign.id }} --host HOST --control CHECK.",
            "每项变更前，均在主机上保存所涉文件、服务与配置的原状。本次任务的每项变更均可按单个检查项、单台主机撤销：hardening undo {{ campaign.id }} --host 主机 --control 检查项。",
        )
    )


def _scope(page: Page) -> None:
    page.heading(("Basis", "依据与任务"), 2)
    page.pairs(
        (
            (("Profile", "基线"), "{{ campaign.profile }} ({{ campaign.profile_name }})"),
            (("Standard", "标准"), "{{ campaign.standard }}"),
            (("Started (UTC)", "开始时间（UTC）"), "{{ campaign.started }}"),
            (("Finished (UTC)", "结束时间（UTC）"), "{{ campaign.finished }}"),
            (("Tool version", "工具版本"), "{{ campaign.tool_version }}"),
            (("Profile SHA-256", "基线 SHA-256"), "{{ campaign.profile_digest }}"),
            (("Catalogue SHA-256", "检查项库 SHA-256"), "{{ campaign.catalogue_digest }}"),
        )
    )
    page.heading(("Hosts", "主机"), 2)
    page.table(
        "host in hosts",
        (
            (("host", "主机"), 3.2, "{{ host.name }}", ""),
            (("address", "IP 地址"), 2.8, "{{ host.address }}", ""),
            (("system", "操作系统"), 4.4, "{{ host.system }}", ""),
            (("asked", "应查"), 1.5, "{{ host.asked }}", ""),
            (("answered", "已查"), 1.7, "{{ host.seen }}", ""),
            (("reached", "是否可达"), 3.4, "{{ host.reached }}", "host.colour"),
        ),
    )
    left_out(page, "hosts")
    page.heading(("Method", "方法"), 2)
    page.paragraph(
        (
            "Each host is read over one SSH session with read-only commands. Every check compares what was seen with what the profile wants; where a setting has a running and an on-disk value, both must be as wanted.",
            "通过单个 SSH 会话以只读命令采集各主机信息，逐项与基线期望值比对；同时存在运行值与磁盘配置的，两者均须符合。",
        )
    )
    page.paragraph(
        (
            "What could not be seen is never counted as compliant. A waived gap stays a gap whose risk is accepted. Checks that only a person can decide are to be confirmed.",
            "未能检查的内容一律不计为符合；已豁免项仍为不符合，仅表示风险已接受；须人工判定的检查项列为待确认。",
        )
    )


def _gaps(page: Page) -> None:
    page.loop("if not gap_groups")
    page.paragraph("{{ sentences.no_gaps }}")
    page.loop("endif")
    page.loop("for group in gap_groups")
    page.heading("{{ group.severity }} ({{ group.count }})", 2)
    page.table(
        "gap in group.gaps",
        (
            (NO, 1.0, "{{ gap.number }}", ""),
            (CHECK, 4.0, "{{ gap.control }}\n{{ gap.control_id }}", ""),
            (CLAUSE, 1.7, "{{ gap.clauses }}", ""),
            (("wanted", "期望值"), 2.5, "{{ gap.wanted }}", ""),
            (("seen", "现状"), 2.5, "{{ gap.seen }}", ""),
            (OBJECTS, 2.8, "{{ gap.objects }}\n{{ gap.verdict }}", "gap.colour"),
            (("advice", "整改建议"), 2.5, "{{ gap.advice }}", ""),
        ),
    )
    page.loop("endfor")


def _remedies(page: Page) -> None:
    page.loop("if not remedies")
    page.paragraph("{{ sentences.no_changes }}")
    page.loop("endif")
    page.loop("if remedies")
    page.paragraph(("Done by: {{ campaign.actor }}. Times are UTC.", "操作人：{{ campaign.actor }}。时间均为 UTC。"))
    page.table(
        "each in remedies",
        (
            (NO, 1.0, "{{ each.number }}", ""),
            (CHECK, 3.2, "{{ each.control }}\n{{ each.control_id }}", ""),
            (OBJECTS, 2.1, "{{ each.objects }}", ""),
            (("before", "整改前"), 2.1, "{{ each.before }}", ""),
            (("what was done", "整改措施"), 2.9, "{{ each.measure }}", ""),
            (("after", "整改后"), 2.1, "{{ each.after }}", ""),
            (("outcome", "变更结果"), 2.0, "{{ each.outcome }}\n{{ each.when }}", "each.outcome_colour"),
            (("retest", "复测"), 1.6, "{{ each.retest }}", "each.retest_colour"),
        ),
    )
    page.loop("endif")
    left_out(page, "remedies")


def _clauses(page: Page) -> None:
    page.loop("if not clauses")
    page.paragraph("{{ sentences.no_clauses }}")
    page.loop("endif")
    page.loop("if clauses")
    page.heading(("Rate of compliance", "符合率"), 2)
    page.paragraph(
        (
            "{{ rate.value }} ({{ rate.rule }}: {{ rate.basis }}); at most {{ rate.best }} once everything is confirmed.",
            "{{ rate.value }}（{{ rate.rule }}：{{ rate.basis }}）；待确认项全部符合时最高为 {{ rate.best }}。",
        ),
        bold=True,
    )
    page.table(
        "each in rate.rules",
        (
            (("rule", "规则"), 3.2, "{{ each.name }}", ""),
            (("rate", "符合率"), 2.3, "{{ each.value }}", ""),
            (("at most", "最高"), 2.3, "{{ each.best }}", ""),
            (("how it is worked out", "计算方法"), 9.2, "{{ each.basis }}", ""),
        ),
    )
    page.paragraph("{{ rate.note }}", size=9, grey=True)
    page.paragraph("{{ rate.bands }}", size=9, grey=True)
    page.heading(("Verdicts", "判定统计"), 2)
    page.table(
        "each in rate.verdicts",
        (
            (("verdict", "判定"), 6.0, "{{ each.name }}", "each.colour"),
            (("clauses", "条款数"), 5.5, "{{ each.clauses }}", ""),
            (("items (clause × object)", "项数（条款×对象）"), 5.5, "{{ each.judged }}", ""),
        ),
    )
    page.heading(("Clause by clause", "逐条判定"), 2)
    page.table(
        "clause in clauses",
        (
            (CLAUSE, 2.0, "{{ clause.id }}", ""),
            (("control point", "控制点"), 2.2, "{{ clause.point }}", ""),
            (("requirement", "要求"), 3.7, "{{ clause.text }}", ""),
            (("verdict", "判定"), 2.0, "{{ clause.verdict }}", "clause.colour"),
            (("gaps", "不符合"), 1.4, "{{ clause.gaps }}", ""),
            (("accepted", "风险接受"), 1.9, "{{ clause.accepted }}", ""),
            (("open", "待确认"), 1.4, "{{ clause.open }}", ""),
            (("other evidence", "其他证据"), 2.4, "{{ clause.beside }}", ""),
        ),
    )
    page.loop("endif")


def _risks(page: Page) -> None:
    page.paragraph("{{ sentences.risk_note }}", size=9, grey=True)
    page.loop("if not risks")
    page.paragraph("{{ sentences.no_risks }}")
    page.loop("endif")
    page.loop("if risks")
    page.table(
        "risk in risks",
        (
            (NO, 1.0, "{{ risk.number }}", ""),
            (CHECK, 4.0, "{{ risk.control }}", ""),
            (CLAUSE, 1.8, "{{ risk.clauses }}", ""),
            (("high-risk case it may be", "可能对应的高风险情形"), 3.0, "{{ risk.case }}", ""),
            (OBJECTS, 2.6, "{{ risk.objects }}", ""),
            (("compensating measure", "补偿措施"), 2.6, "{{ risk.compensating }}", ""),
            (("adjusted risk", "调整后风险"), 2.0, "{{ risk.adjusted }}", "risk.colour"),
        ),
    )
    page.loop("endif")


def _waivers(page: Page) -> None:
    page.loop("if not waivers")
    page.paragraph("{{ sentences.no_waivers }}")
    page.loop("endif")
    page.loop("if waivers")
    page.table(
        "waiver in waivers",
        (
            (CHECK, 2.9, "{{ waiver.control }}", ""),
            (OBJECTS, 2.0, "{{ waiver.objects }}", ""),
            (("reason", "原因"), 2.7, "{{ waiver.reason }}", ""),
            (("compensating measure", "补偿措施"), 2.6, "{{ waiver.compensating }}", ""),
            (("owner", "责任人"), 1.6, "{{ waiver.owner }}", ""),
            (("approver", "批准人"), 1.6, "{{ waiver.approver }}", ""),
            (("ticket", "工单"), 1.5, "{{ waiver.ticket }}", ""),
            (("expires", "到期日"), 2.1, "{{ waiver.expires }}", ""),
        ),
    )
    page.loop("endif")


def _open(page: Page) -> None:
    page.loop("if not open")
    page.paragraph("{{ sentences.no_open }}")
    page.loop("endif")
    page.loop("if open")
    page.table(
        "each in open",
        (
            (("status", "状态"), 2.4, "{{ each.status }}", "each.colour"),
            (("checks", "检查数"), 1.6, "{{ each.count }}", ""),
            (("hosts", "主机"), 3.0, "{{ each.hosts }}", ""),
            (("reason", "原因"), 6.0, "{{ each.reason }}", ""),
            (("how to settle it", "确认方式"), 4.0, "{{ each.settle }}", ""),
        ),
    )
    page.loop("endif")
    left_out(page, "open")
    page.loop("if unanswered")
    page.paragraph(
        (
            "No check of this profile answers these clauses; they need evidence from elsewhere: {{ unanswered }}.",
            "以下条款本基线没有对应检查项，须另行取证：{{ unanswered }}。",
        )
    )
    page.loop("endif")


def _signatures(page: Page) -> None:
    page.paragraph("{{ note }}", bold=True)
    page.pairs(
        (
            (("Prepared by / date", "编制（签字）/ 日期"), ""),
            (("Reviewed by / date", "审核（签字）/ 日期"), ""),
            (("Approved by / date", "批准（签字）/ 日期"), ""),
        ),
        high=1.2,
    )
    page.pairs(
        (
            (("Contractor (seal)", "实施单位（盖章）"), ""),
            (("Customer (seal)", "委托单位（盖章）"), ""),
        ),
        high=3.0,
    )
