"""Which gaps MLPS assessors call high risk, by clause, in our own words. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Case:
    """One high-risk case. `reducible` is False where no compensating measure lowers it."""

    text: str
    text_zh: str
    reducible: bool = True


_EMPTY = Case(text="empty, weak, common or missing credentials", text_zh="存在空口令、弱口令、通用口令或无身份鉴别")
_CLEAR = Case(text="credentials travel in clear text", text_zh="鉴别信息明文传输")
_FACTOR = Case(text="no second factor for administrators", text_zh="管理员未采用双因素鉴别")
_DEFAULT = Case(text="default account with its default password", text_zh="默认账户仍使用默认口令")
_BYPASS = Case(text="access rules can be bypassed", text_zh="访问控制可被绕过、存在越权")
_SERVICES = Case(text="surplus services or risky ports are open", text_zh="开启多余服务或高危端口")
_HOLE = Case(text="a serious vulnerability can be exploited", text_zh="存在可被利用的高危漏洞")
_MALWARE = Case(text="no protection against malware, or an outdated one", text_zh="无恶意代码防范或特征库超期未更新")
_TRANSIT = Case(text="important data travel in clear text", text_zh="重要数据明文传输")
_REST = Case(text="important data are stored in clear text", text_zh="重要数据明文存储")
_BACKUP = Case(text="no local backup of important data", text_zh="重要数据无本地备份")
_SPARE = Case(text="no hot spare for important processing", text_zh="重要数据处理系统无热冗余")
_PERSONAL = Case(text="personal data collected or used beyond need", text_zh="违规采集或使用个人信息")
_PATH = Case(text="administration over an insecure path", text_zh="管理通道不安全")
_RETENTION = Case(text="logs are kept for less than six months", text_zh="日志留存不足六个月", reducible=False)

CASES: Mapping[str, Case] = {
    "8.1.4.1 a": _EMPTY,
    "8.1.4.1 c": _CLEAR,
    "8.1.4.1 d": _FACTOR,
    "8.1.4.2 b": _DEFAULT,
    "8.1.4.2 e": _BYPASS,
    "8.1.4.4 b": _SERVICES,
    "8.1.4.4 e": _HOLE,
    "8.1.4.5": _MALWARE,
    "8.1.4.8 a": _TRANSIT,
    "8.1.4.8 b": _REST,
    "8.1.4.9 a": _BACKUP,
    "8.1.4.9 c": _SPARE,
    "8.1.4.11 a": _PERSONAL,
    "8.1.4.11 b": _PERSONAL,
    "8.1.5.4 b": _PATH,
    "8.1.5.4 d": _RETENTION,
    "7.1.4.1 a": _EMPTY,
    "7.1.4.1 c": _CLEAR,
    "7.1.4.2 b": _DEFAULT,
    "7.1.4.4 b": _SERVICES,
    "7.1.4.4 e": _HOLE,
    "7.1.4.5": _MALWARE,
}
