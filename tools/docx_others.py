"""What stands in the Word templates of how it went, and of what people and other tools said."""

from __future__ import annotations

from tools.docx_page import Page, Text

CHECK: Text = ("check", "检查项")
CLAUSE: Text = ("clause", "条款")
OBJECTS: Text = ("objects", "对象")


def trend(page: Page) -> None:
    """Add the line of campaigns, where there is one."""
    page.loop("if trend")
    page.heading(("How it went", "历次任务"), 2)
    page.table(
        "each in trend",
        (
            (("started (UTC)", "开始时间（UTC）"), 2.5, "{{ each.date }}", ""),
            (("campaign", "任务"), 3.8, "{{ each.verb }}\n{{ each.campaign }}", ""),
            (("complete", "完整"), 2.0, "{{ each.complete }}", ""),
            (("hosts", "主机"), 1.4, "{{ each.hosts }}", ""),
            (("gaps", "不符合"), 1.3, "{{ each.gaps }}", ""),
            (("accepted", "风险接受"), 1.9, "{{ each.accepted }}", ""),
            (("open", "待确认"), 1.2, "{{ each.open }}", ""),
            (("pass", "符合"), 1.1, "{{ each.passed }}", ""),
            (("score", "得分"), 1.8, "{{ each.score }}", ""),
        ),
    )
    page.loop("endif")


def others(page: Page) -> None:
    """Add the attestations, and the results of other tools."""
    page.heading(("Attested by people", "人工核查记录"), 2)
    page.loop("if not attestations")
    page.paragraph("{{ sentences.no_attestations }}")
    page.loop("endif")
    page.loop("if attestations")
    page.table(
        "each in attestations",
        (
            (CHECK, 3.3, "{{ each.control }}", ""),
            (OBJECTS, 2.2, "{{ each.objects }}", ""),
            (("verdict", "判定"), 1.5, "{{ each.status }}", "each.colour"),
            (("attested by", "核查人"), 2.2, "{{ each.by }}\n{{ each.seen_on }}", ""),
            (("what was seen", "核查情况"), 3.3, "{{ each.seen }}", ""),
            (("until", "有效期至"), 2.1, "{{ each.expires }}", ""),
            (("attachments", "附件"), 2.4, "{{ each.attachments }}", ""),
        ),
    )
    page.loop("endif")
    page.heading(("Results of other tools", "第三方工具结果"), 2)
    page.loop("if not imports")
    page.paragraph("{{ sentences.no_imports }}")
    page.loop("endif")
    page.loop("if imports")
    page.paragraph("{{ sentences.imports_note }}", size=9, grey=True)
    page.table(
        "each in imports",
        (
            (("tool", "工具"), 2.6, "{{ each.tool }}", ""),
            (("results", "结果统计"), 4.0, "{{ each.results }}", ""),
            (("file, SHA-256", "文件及 SHA-256"), 7.8, "{{ each.file }}\n{{ each.sha256 }}", ""),
            (("imported by", "导入人"), 2.6, "{{ each.by }}", ""),
        ),
    )
    page.loop("endif")
    page.loop("if foreign_gaps")
    page.heading(("What they found wrong", "第三方工具发现的问题"), 2)
    page.table(
        "each in foreign_gaps",
        (
            (("tool", "工具"), 2.2, "{{ each.tool }}", ""),
            (("its id", "原始编号"), 3.4, "{{ each.id }}", ""),
            (("its title", "原始标题"), 4.2, "{{ each.title }}", ""),
            (("severity", "原始级别"), 2.0, "{{ each.severity }}", ""),
            (("hosts", "主机"), 3.2, "{{ each.hosts }}", ""),
            (CLAUSE, 2.0, "{{ each.clauses }}", ""),
        ),
    )
    page.loop("endif")
    left_out(page, "foreign_gaps")


def left_out(page: Page, key: str) -> None:
    """Say how many rows a table leaves out, where it does."""
    page.loop(f"if left_out.{key}")
    page.paragraph("{{ left_out." + key + " }}", size=9, grey=True)
    page.loop("endif")
