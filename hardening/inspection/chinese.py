"""What looks and thresholds say, in Chinese: they are kept in English, and a Chinese paper has no English sentences.

A sentence that nothing here knows stays as it is: wrong words would be worse than foreign ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

UNITS: Mapping[str, str] = {
    "bits": "位",
    "clients": "个客户端",
    "clients per hour": "个客户端/小时",
    "connections": "个连接",
    "days": "天",
    "days missing": "天缺失",
    "files": "个文件",
    "hours": "小时",
    "keys per hour": "个键/小时",
    "lines": "行",
    "logins": "次登录",
    "messages": "条消息",
    "messages per minute": "条消息/分钟",
    "min": "分钟",
    "ms": "毫秒",
    "of a million": "/百万",
    "packages": "个软件包",
    "pages read of 100 asked for": "页读盘/百次请求",
    "per hour": "次/小时",
    "per processor": "/处理器",
    "processes": "个进程",
    "queries": "个查询",
    "records": "条记录",
    "s": "秒",
    "sessions": "个会话",
    "statements": "条语句",
    "status": "",
    "times the limit": "倍（相对上限）",
    "transactions": "个事务",
}
# Whole values only: a name that happens to hold one of these words is a name.
VALUES: Mapping[str, str] = {
    "active": "运行中",
    "activating": "启动中",
    "closed": "未开放",
    "deactivating": "停止中",
    "disabled": "未自启",
    "down": "不可用",
    "enabled": "已自启",
    "failed": "失败",
    "failing": "失败",
    "found": "已找到",
    "inactive": "未运行",
    "masked": "已屏蔽",
    "missing": "缺失",
    "no": "否",
    "nothing": "无",
    "ok": "正常",
    "open": "已开放",
    "reached": "可达",
    "running": "运行中",
    "restored": "已恢复",
    "static": "静态",
    "stopped": "已停止",
    "streaming": "流复制中",
    "unreachable": "不可达",
    "up": "可用",
    "yes": "是",
}
_BOUNDS = (
    (r"at least ([-\d.e+]+)(?: (.+))?", "不低于 {0}{unit}"),
    (r"at most ([-\d.e+]+)(?: (.+))?", "不高于 {0}{unit}"),
    (r"outside ([-\d.e+]+) to ([-\d.e+]+)(?: (.+))?", "不在 {0} 至 {1}{unit} 之间"),
)
_WORDS = (
    (r"is not reached", "不可达"),
    (r"no run within (\d+) min of the newest due moment", "最近应检时刻后 {0} 分钟内未巡检"),
    (r"is not (.+)", "不为“{0}”"),
    (r"is (.+)", "为“{0}”"),
    (r"matches (.+)", "匹配 {0}"),
    (r"any", "存在任一项"),
    (r"absent", "缺失"),
)
REASONS = (
    (r"it is not there", "不存在"),
    (r"in the ([\d.]+) h since the look before", "距上次巡检 {0} 小时内"),
    (r"since its start ([\d.]+) h ago", "自启动以来 {0} 小时"),
    (r"InnoDB has served (\d+) requests so far, and (\d+) are worth a judgement", "请求 {0} 次，不足 {1} 次"),
    (r"(\S+) runs here, but not as (\S+): it cannot be asked", "{0} 在运行，但不由 {1} 管理，无法查询"),
    (r"redis-server runs here, but no unit of systemd started it: it cannot be asked", "非 systemd 启动"),
    (r"this server has no figure (.+)", "服务器不提供指标 {0}"),
    (r"this server says nothing of (.+)", "服务器未提供 {0}"),
    (r"nothing is replicated to here", "本机不是复制目标"),
    (r"no replica is here", "无副本"),
    (r"(.+): a replica is not online yet: (.+)", "{0}：副本尚未在线：{1}"),
    (r"no instance has replicas", "没有带副本的实例"),
    (r"no instance saves its data by time", "没有按时间保存数据的实例"),
    (r"no instance keeps an append-only file", "没有启用追加日志的实例"),
    (r"(.+) names no configuration file", "{0} 未指定配置文件"),
    (r"(.+): its connectors share an executor, whose threads are not told apart", "{0}：连接器共用线程池，无法区分"),
    (r"(.+): the threads of its connectors cannot be told by their names", "{0}：无法按名称识别连接器线程"),
    (r"(.+): no catalina log lies in (.+)", "{0}：{1} 中没有 catalina 日志"),
    (r"(.+): no access log lies in (.+)", "{0}：{1} 中没有访问日志"),
    (r"(\d+) requests were answered in the last (\d+) minutes, and (\d+) are worth a share",
     "最近 {1} 分钟内应答 {0} 次，不足 {2} 次"),
    (r"no connector speaks TLS", "没有启用 TLS 的连接器"),
    (r"where the Tomcat (.+) has its configuration is not known", "无法确定 Tomcat {0} 的配置位置"),
    (r"(.+): the port of a connector is (.+), which only Tomcat can resolve", "{0}：端口 {1} 无法解析"),
    (r"no instance has a connector for HTTP", "没有实例启用 HTTP 连接器"),
    (r"it is dated (.+) h in the future: how old it is cannot be told", "时间戳晚于当前 {0} 小时，无法判断新旧"),
    (r"(.+), to which the server logs, is not there", "服务器日志 {0} 不存在"),
    (r"nothing was written to the journal for (.+) hours", "系统日志（journal）已 {0} 小时无新记录"),
    (r"the journal holds no record at all", "系统日志（journal）没有任何记录"),
    (r"(.+): (.+) has no line whose level is known: another language, or no such log",
     "{0}：{1} 中没有可识别级别的日志行：语言未知或并非此类日志"),
    (r"(.+): its access log has a form in which no status is found with its time",
     "{0}：访问日志格式中找不到带时间的状态码"),
    (r"(.+) has a form in which no status is found with its time", "{0} 的格式中找不到带时间的状态码"),
    (r"(.+) is no address of a backend that can be asked", "{0} 不是可探测的后端地址"),
    (r"(.+) has no directory (.+)", "{0} 缺少目录 {1}"),
    (r"the node does not know its disk: (.+) of (.+)", "节点不知其磁盘情况：{0}/{1}"),
    (r"no queue was there at both looks", "两次查看之间没有共同存在的队列"),
    (r"no node logs to (.+)", "没有节点向 {0} 写日志"),
    (r"queue (.+) does not answer: it has no leader", "队列 {0} 无应答：没有主节点"),
    (r"there is no queue", "没有队列"),
    (r"the performance file of (.+) cannot be read: (.+)", "无法读取 {0} 的性能文件：{1}"),
    (r"the open files of process (.+) cannot be seen", "无法查看进程 {0} 打开的文件"),
    (r"process (.+) shows no limit of open files", "进程 {0} 未显示打开文件上限"),
    (r"this Java machine's collector has no old generation", "该 Java 虚拟机的回收器没有老年代"),
    (r"this Java machine tells nothing of its collectors", "该 Java 虚拟机未提供回收器信息"),
    (r"the Java machine (.+) keeps no performance file", "Java 虚拟机 {0} 没有性能文件"),
    (r"`(.+)` answered no JSON: (.*)", "“{0}”未返回 JSON：{1}"),
    (r"(.+) is neither \.sql nor \.sql\.gz", "{0} 既非 .sql 也非 .sql.gz"),
    (r"there is nothing to read, and the item does not say what that means", "无可读内容，巡检项未规定其含义"),
    (r"the look named nothing at all", "检查未返回任何对象"),
    (r"the session ended before this was asked", "会话在检查前已结束"),
    (r"the look itself failed: (.+)", "检查程序出错：{0}"),
    (r"(.+) is no (number|list|text)", "{0} 类型不符"),
    (r"(.+) is no number: (.+)", "{0} 不是数字：{1}"),
    (r"(.+) is no pattern of file names", "{0} 不是有效的文件名模式"),
    (r"the whole is nothing, so there is no share of it", "总量为零，无法计算占比"),
    (r"df named no file system", "df 未列出任何文件系统"),
    (r"there is no swap space", "未配置交换空间"),
    (r"/proc/meminfo lacks what is needed", "/proc/meminfo 缺少所需数据"),
    (r"the kernel keeps the load of 1, 5 and 15 minutes, not of (.+)", "内核仅记录 1、5、15 分钟负载，无 {0} 分钟"),
    (r"connections are not tracked here", "未启用连接跟踪"),
    (r"this kernel does not count them", "内核不提供此计数"),
    (r"nginx balances over no backends", "nginx 未配置负载均衡后端"),
    (r"nobody has asked anything yet", "尚无访问记录"),
    (r"nothing is replicated here", "未配置复制"),
    (r"no standby is here", "无备库"),
    (r"no cluster archives its log", "未启用日志归档"),
    (r"(.+) is not in use here", "未使用 {0}"),
    (r"(.+) is not in use", "{0} 未使用"),
    (r"(.+) is installed and not in use", "{0} 已安装但未使用"),
    (r"(.+) is not installed", "未安装 {0}"),
    (r"(.+) is not enabled", "{0} 未启用"),
    (r"(.+) does not run", "{0} 未运行"),
    (r"(.+) is not kept here", "本机无 {0}"),
    (r"there are not two backups to compare", "备份不足两份，无法比较"),
    (r"the backup before the newest is empty", "上一份备份为空"),
    (r"there is no certificate with an RSA key", "无 RSA 证书"),
    (r"there is no default gateway", "未配置默认网关"),
    (r"there is no (.+)", "不存在 {0}"),
    (r"(.+) holds no (.+)", "{0} 中没有 {1}"),
    (r"(.+) may not read (.+)", "{0} 无权读取 {1}"),
    (r"no service is enabled", "没有自启服务"),
    (r"no peer is named for this host", "未为本机指定对端"),
    (r"no interface is named for this host", "未为本机指定接口"),
    (r"no TLS interface is named for this host", "未为本机指定 TLS 接口"),
    (r"no interface has carried anything", "网络接口均无流量"),
    (r"nothing listens", "没有监听端口"),
    (r"nginx serves no TLS", "nginx 未启用 TLS"),
    (r"no PostgreSQL cluster speaks TLS here", "PostgreSQL 未启用 TLS"),
    (r"no certificate lies there", "该处没有证书"),
    (r"(.+) shows no certificate", "{0} 未出示证书"),
    (r"openssl told no end: (.*)", "openssl 未给出到期时间：{0}"),
    (r"apt has never fetched its lists", "从未获取过软件源列表"),
    (r"(.+) does not exist: that scanner is not installed", "{0} 不存在，未安装该防病毒软件"),
    (r"packages are not dpkg's here", "本机软件包不由 dpkg 管理"),
    (r"no process shows its open files; that takes root", "无法查看进程打开的文件，需要 root 权限"),
    (r"ps named no process", "ps 未列出任何进程"),
    (r"ping said: (.*)", "ping 输出：{0}"),
    (r"no log could be read", "没有可读的日志"),
    (r"(?:(.+): )?`?(\S+(?: \S+)?)`? answered (-?\d+)(?:: (.*))?", "{0}“{1}”返回 {2}：{3}"),
)  # fmt: skip
METHODS: Mapping[str, str] = {
    "one session over SSH": "SSH 会话",
    "the runs of the ledger against the plan": "台账记录与计划比对",
}
_COMPILED = {
    name: tuple((re.compile(pattern, re.DOTALL), said) for pattern, said in table)
    for name, table in (("bounds", _BOUNDS), ("words", _WORDS), ("reasons", REASONS))
}


def unit(name: str) -> str:
    """Return a unit; one that nobody knows stays."""
    return UNITS.get(name, name)


def value(text: str) -> str:
    """Return a measured word."""
    return VALUES.get(text, text)


def reason(text: str) -> str:
    """Return a reason why something could not be looked at, or does not apply."""
    return _said(text, "reasons") or text


def threshold(text: str) -> str:
    """Return a threshold as `Thresholds.said` writes it: `warn: at least 80 %; critical: at least 90 %`."""
    parts = []
    for part in re.split(r"; (?=critical: )", text):
        name, colon, bounds = part.partition(": ")
        if name not in ("warn", "critical") or not colon:
            return text
        each = [_bound(bound) for bound in re.split(r" or (?=at |outside |is |matches |any$|absent$)", bounds)]
        parts.append(f"{'告警' if name == 'warn' else '异常'}：{'或'.join(each)}")
    return "；".join(parts)


def _bound(text: str) -> str:
    for pattern, said in _COMPILED["bounds"]:
        found = pattern.fullmatch(text)
        if found is not None:
            *figures, name = found.groups()
            return said.format(*figures, unit=f" {unit(name)}".rstrip() if name else "")
    return _said(text, "words") or text


def _said(text: str, table: str) -> str | None:
    for pattern, said in _COMPILED[table]:
        found = pattern.fullmatch(text)
        if found is not None:
            parts = [VALUES.get(part, part) if part else "" for part in found.groups()]
            return said.format(*parts).removesuffix("：")
    return None
