# ruff: noqa: E501 - a table of texts in two languages reads better with few lines per entry
"""The controls and clauses that recorded example evidence speaks of: a small, real cut through four components."""

from __future__ import annotations

from hardening.model import Clause, Control, Danger, Json, Requirement, Severity, Source

Row = tuple[str, str, str, str, str, Severity, Json, Danger, str]

# kind, id, title, title_zh, why, severity, want, danger, clause
ROWS: tuple[Row, ...] = (
    ("linux.sysctl", "linux_kernel_pointers_hidden", "Kernel addresses are hidden from users", "内核地址对用户隐藏",
     "Kernel addresses in the open make an exploit reliable.", Severity.MEDIUM, {"at_least": 1}, Danger.NONE, "8.1.4.4 b"),
    ("linux.sysctl", "linux_redirects_refused", "ICMP redirects are refused", "拒绝 ICMP 重定向",
     "A forged redirect moves traffic through an attacker's host.", Severity.MEDIUM, "0", Danger.NONE, "8.1.4.4 b"),
    ("linux.file", "linux_shadow_mode", "Only root and group shadow can read password hashes", "仅 root 与 shadow 组可读取口令散列",
     "Whoever can read the hashes can guess the passwords at leisure.", Severity.CRITICAL, {"mode_at_most": "0640"}, Danger.NONE, "8.1.4.2 f"),
    ("linux.pwquality", "linux_password_length", "Passwords have at least 12 characters", "口令长度不少于 12 位",
     "Short passwords fall to a guesser in hours.", Severity.HIGH, {"at_least": 12}, Danger.NONE, "8.1.4.1 a"),
    ("linux.unit", "linux_audit_running", "The audit daemon runs", "审计守护进程正在运行",
     "What is not recorded cannot be found out afterwards.", Severity.HIGH, "active", Danger.NONE, "8.1.4.3 a"),
    ("linux.package", "linux_telnet_absent", "The telnet server is not installed", "未安装 telnet 服务",
     "Telnet sends every password in clear.", Severity.HIGH, {"absent": True}, Danger.NONE, "8.1.4.4 a"),
    ("linux.mount", "linux_tmp_noexec", "Programs cannot be started from /tmp", "/tmp 不可执行程序",
     "A directory that all can write to is where a dropped program lands.", Severity.LOW, {"superset_of": ["nodev", "noexec", "nosuid"]}, Danger.RESTART, "8.1.4.4 b"),
    ("linux.account", "linux_accounts_reviewed", "Accounts are reviewed against the register", "账户与登记台账一致",
     "Only the owner of a system knows who has left.", Severity.MEDIUM, None, Danger.NONE, "8.1.4.2 c"),
    ("sshd.option", "sshd_permit_root_login", "Root cannot log in over SSH", "禁止 root 直接通过 SSH 登录",
     "A shared root login leaves no trace of who acted.", Severity.HIGH, "no", Danger.LOCKOUT, "8.1.4.2 b"),
    ("sshd.option", "sshd_max_auth_tries", "A connection may try at most four passwords", "单次连接最多尝试 4 次认证",
     "Fewer tries per connection slow a guesser down.", Severity.MEDIUM, {"at_most": 4}, Danger.LOCKOUT, "8.1.4.1 b"),
    ("sshd.option", "sshd_ciphers", "Only strong ciphers are offered", "仅启用强加密算法",
     "A weak cipher lets a recorder read the session later.", Severity.HIGH,
     {"subset_of": ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]}, Danger.LOCKOUT, "8.1.4.1 c"),
    ("sshd.option", "sshd_idle_timeout", "Idle sessions end within ten minutes", "空闲会话 10 分钟内断开",
     "An abandoned session is an open door.", Severity.LOW, {"at_most": 600, "at_least": 1}, Danger.NONE, "8.1.4.1 b"),
    ("nginx.directive", "nginx_version_hidden", "Responses do not name the nginx version", "响应不暴露 nginx 版本",
     "A version number tells an attacker which hole to try first.", Severity.LOW, "off", Danger.NONE, "8.1.4.4 b"),
    ("nginx.tls", "nginx_tls_protocols", "Only TLS 1.2 and 1.3 are spoken", "仅启用 TLS 1.2 与 1.3",
     "Older protocols can be broken on the wire.", Severity.HIGH, {"subset_of": ["TLSv1.2", "TLSv1.3"]}, Danger.RESTART, "8.1.4.7 a"),
    ("nginx.header", "nginx_frames_refused", "Pages cannot be framed by other sites", "页面禁止被其他站点嵌入",
     "A framed page lets another site steal clicks.", Severity.MEDIUM, {"one_of": ["DENY", "SAMEORIGIN"]}, Danger.NONE, "8.1.4.4 d"),
    ("postgresql.setting", "postgresql_password_encryption", "Passwords are stored as SCRAM", "口令以 SCRAM 方式存储",
     "An MD5 hash is as good as the password to whoever steals it.", Severity.HIGH, "scram-sha-256", Danger.DATA, "8.1.4.8 b"),
    ("postgresql.setting", "postgresql_log_connections", "Every connection is logged", "记录所有连接",
     "Without it nobody can say who was connected.", Severity.MEDIUM, "on", Danger.NONE, "8.1.4.3 a"),
    ("postgresql.setting", "postgresql_ssl", "Connections can be encrypted", "启用加密连接",
     "Without TLS every query can be read on the wire.", Severity.HIGH, "on", Danger.REBOOT, "8.1.4.7 a"),
    ("postgresql.hba", "postgresql_no_trust", "Nobody logs in without proof", "禁止免认证登录",
     "A trust line lets anybody on that network be anybody.", Severity.CRITICAL, {"disjoint_from": ["trust"]}, Danger.LOCKOUT, "8.1.4.1 a"),
)  # fmt: skip

SET: dict[str, Json] = {"postgresql_no_trust": "scram-sha-256", "linux_telnet_absent": None}
PARAMS: dict[str, dict[str, Json]] = {
    "linux_kernel_pointers_hidden": {"key": "kernel.kptr_restrict"},
    "linux_redirects_refused": {"key": "net.ipv4.conf.all.accept_redirects"},
    "linux_shadow_mode": {"path": "/etc/shadow"},
    "sshd_permit_root_login": {"option": "PermitRootLogin"},
    "sshd_max_auth_tries": {"option": "MaxAuthTries"},
}

CLAUSES = (
    Clause(id="8.1.4.1 a", text="Every login is identified and authenticated, with strong passwords.",
           text_zh="登录用户身份可鉴别，口令具有复杂度。"),
    Clause(id="8.1.4.1 b", text="Failed logins are limited and idle sessions end.", text_zh="限制登录失败次数，空闲会话自动退出。"),
    Clause(id="8.1.4.1 c", text="Credentials of remote administration cannot be read on the wire.", text_zh="远程管理时鉴别信息不被窃听。"),
    Clause(id="8.1.4.2 b", text="Default accounts are renamed or removed.", text_zh="重命名或删除默认账户。"),
    Clause(id="8.1.4.2 c", text="Surplus accounts are removed and none is shared.", text_zh="清理多余账户，避免共享。"),
    Clause(id="8.1.4.2 f", text="Access is granted down to single users and files.", text_zh="访问控制粒度到用户和文件。"),
    Clause(id="8.1.4.3 a", text="Important events of every user are audited.", text_zh="对每个用户的重要事件进行审计。"),
    Clause(id="8.1.4.4 a", text="Only what is needed is installed.", text_zh="遵循最小安装原则。"),
    Clause(id="8.1.4.4 b", text="Unneeded services and risky ports are closed.", text_zh="关闭不需要的服务和高危端口。"),
    Clause(id="8.1.4.4 d", text="Input is checked before it is used.", text_zh="对输入内容进行有效性检验。"),
    Clause(id="8.1.4.7 a", text="Data keep their integrity in transit.", text_zh="保证数据传输完整性。"),
    Clause(id="8.1.4.8 b", text="Important data are confidential at rest.", text_zh="保证重要数据存储保密性。"),
)  # fmt: skip


def requirements(*, clauses: bool = True) -> tuple[Requirement, ...]:
    """Return every example control as the profile asks for it."""
    return tuple(_requirement(row, line=2 + 10 * index, clauses=clauses) for index, row in enumerate(ROWS))


def _requirement(row: Row, *, line: int, clauses: bool) -> Requirement:
    kind, control_id, title, title_zh, why, severity, want, danger, clause = row
    component = kind.partition(".")[0]
    control = Control(
        id=control_id,
        component=component,
        kind=kind,
        title=title,
        title_zh=title_zh,
        why=why,
        severity=severity,
        params=PARAMS.get(control_id, {}),
        want=want,
        set_to=SET.get(control_id, want if not isinstance(want, dict) else next(iter(want.values()))),
        danger=danger,
        source=Source(file=f"baselines/{component}/example.yml", line=line),
        manual="only the owner of the system knows" if control_id == "linux_accounts_reviewed" else None,
        look_only="partitions are made at installation" if control_id == "linux_tmp_noexec" else None,
    )
    return Requirement(control=control, clauses=(clause,) if clauses else ())
