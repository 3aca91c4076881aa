"""Some 200 checks with testinfra's modules: what `make bench` scans until the real profile takes their place.

They ask what a hardening profile asks: modes and owners, kernel parameters, packages, units, accounts, mounts,
sockets, processes and file contents; things that are there and things that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

Check = Callable[[Any], object]

_FILES = """
/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/passwd- /etc/shadow- /etc/ssh/sshd_config /etc/crontab
/etc/sudoers /etc/fstab /etc/hosts /etc/login.defs /etc/pam.d/common-auth /etc/pam.d/su /etc/security/limits.conf
/etc/cron.daily /etc/cron.d /etc/ssh /root /tmp /var/tmp /var/log /etc/issue /etc/issue.net /etc/motd
/etc/hosts.allow /boot/grub/grub.cfg
"""
_KEYS = """
net.ipv4.ip_forward net.ipv4.conf.all.send_redirects net.ipv4.conf.default.send_redirects
net.ipv4.conf.all.accept_source_route net.ipv4.conf.default.accept_source_route net.ipv4.conf.all.accept_redirects
net.ipv4.conf.default.accept_redirects net.ipv4.conf.all.secure_redirects net.ipv4.conf.all.log_martians
net.ipv4.icmp_echo_ignore_broadcasts net.ipv4.icmp_ignore_bogus_error_responses net.ipv4.conf.all.rp_filter
net.ipv4.tcp_syncookies net.ipv6.conf.all.accept_ra net.ipv6.conf.all.accept_redirects net.ipv6.conf.all.forwarding
kernel.randomize_va_space kernel.dmesg_restrict kernel.kptr_restrict kernel.sysrq kernel.core_pattern
kernel.osrelease fs.suid_dumpable fs.protected_hardlinks fs.protected_symlinks fs.file-max vm.swappiness
vm.mmap_min_addr
"""
_PACKAGES = """
openssh-server sudo cron rsyslog auditd nftables apparmor aide telnet rsh-client nis talk xinetd tftp vsftpd
libpam-pwquality unattended-upgrades chrony openssl procps coreutils bash dpkg
"""
_UNITS = """
ssh cron rsyslog auditd nftables systemd-journald systemd-timesyncd apparmor avahi-daemon cups rpcbind nfs-server
bluetooth autofs dbus systemd-logind
"""
_USERS = "root daemon bin sys nobody sshd ops www-data nosuchuser backup"
_CONTENTS = """
/etc/login.defs /etc/ssh/sshd_config /etc/pam.d/common-password /etc/pam.d/common-auth /etc/fstab /etc/issue
/etc/sudoers /etc/security/pwquality.conf /etc/default/useradd /etc/systemd/journald.conf
"""
_SOCKETS = "tcp://0.0.0.0:22 tcp://127.0.0.1:25 udp://0.0.0.0:111 tcp://0.0.0.0:23"


def checks() -> dict[str, Check]:
    """Return the checks by name; each takes a testinfra host and returns what it saw."""
    return dict(_all())


def _all() -> Iterator[tuple[str, Check]]:
    for path in _FILES.split():
        yield f"mode {path}", partial(_mode, path=path)
        yield f"owner {path}", partial(_owner, path=path)
    for key in _KEYS.split():
        yield f"sysctl {key}", partial(_sysctl, key=key)
    for name in _PACKAGES.split():
        yield f"package {name}", partial(_package, name=name)
    for name in _UNITS.split():
        yield f"running {name}", partial(_running, name=name)
        yield f"enabled {name}", partial(_enabled, name=name)
    for name in _USERS.split():
        yield f"account {name}", partial(_account, name=name)
        yield f"password {name}", partial(_password, name=name)
    for path in _CONTENTS.split():
        yield f"content {path}", partial(_content, path=path)
        yield f"grep {path}", partial(_contains, path=path)
    for path in ("/", "/tmp", "/dev/shm", "/var"):
        yield f"mount {path}", partial(_mount, path=path)
    for spec in _SOCKETS.split():
        yield f"socket {spec}", partial(_listening, spec=spec)
    for name in ("sshd", "cron", "rsyslogd", "telnetd"):
        yield f"process {name}", partial(_process, name=name)
    for name in ("root", "sudo", "shadow", "wheel"):
        yield f"group {name}", partial(_group, name=name)
    for path in ("/usr/bin/passwd", "/usr/bin/sudo"):
        yield f"digest {path}", partial(_digest, path=path)


def _mode(host: Any, *, path: str) -> object:
    return host.file(path).exists and oct(host.file(path).mode)


def _owner(host: Any, *, path: str) -> object:
    return host.file(path).exists and (host.file(path).user, host.file(path).group)


def _sysctl(host: Any, *, key: str) -> object:
    return host.sysctl(key)


def _package(host: Any, *, name: str) -> object:
    return host.package(name).is_installed and host.package(name).version


def _running(host: Any, *, name: str) -> object:
    return host.service(name).is_running


def _enabled(host: Any, *, name: str) -> object:
    return host.service(name).exists and host.service(name).is_enabled


def _account(host: Any, *, name: str) -> object:
    user = host.user(name)
    return user.exists and (user.uid, user.shell, user.groups)


def _password(host: Any, *, name: str) -> object:
    return host.user(name).exists and host.user(name).password_max_days


def _content(host: Any, *, path: str) -> object:
    return host.file(path).exists and len(host.file(path).content_string.splitlines())


def _contains(host: Any, *, path: str) -> object:
    return host.file(path).contains("^[A-Za-z]")


def _mount(host: Any, *, path: str) -> object:
    return host.mount_point(path).exists and host.mount_point(path).options


def _listening(host: Any, *, spec: str) -> object:
    return host.socket(spec).is_listening


def _process(host: Any, *, name: str) -> object:
    return len(host.process.filter(comm=name)) > 0


def _group(host: Any, *, name: str) -> object:
    return host.group(name).exists and host.group(name).members


def _digest(host: Any, *, path: str) -> object:
    return host.file(path).sha256sum
