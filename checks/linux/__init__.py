"""The operating system: one target on every Linux host. A topic is a module here; its kinds are named below."""

from __future__ import annotations

from typing import Any

from checks import read
from checks.linux.accounts import accounts, groups, password_age, shells, system_entries
from checks.linux.audit import audit_privileged, audit_rules, audit_status, auditd_option
from checks.linux.boot import boot_menu_password
from checks.linux.configuration import (
    apt_option,
    limit,
    package_lists_age_days,
    pending_security_updates,
    systemd_option,
    unverified_sources,
)
from checks.linux.confinement import apparmor_profiles, apparmor_state, unconfined_processes
from checks.linux.files import (
    allowed_users,
    file_mode,
    file_owner,
    open_log_files,
    sweep,
    unpackaged_set_id_programs,
)
from checks.linux.firewall import (
    firewall_hidden_ports,
    firewall_loopback,
    firewall_policy,
    firewall_services,
    listening,
    wireless_interfaces,
)
from checks.linux.homes import home_files, home_modes, homes, root_path
from checks.linux.integrity import aide_database, aide_rules
from checks.linux.kernel import interface_sysctl, kernel_options, module, secure_boot, sysctl
from checks.linux.login_defs import login_defs, useradd_default
from checks.linux.logs import log_retention_days, rsyslog_directive, rsyslog_files, rsyslog_inputs, rsyslog_remotes
from checks.linux.mounts import mount, mount_point
from checks.linux.pam import pam_module, pam_option, pam_password_hash, pwhistory, su_group
from checks.linux.passwords import faillock, pwquality
from checks.linux.sessions import banner, shell_readonly, shell_setting
from checks.linux.software import chrony_lines, chrony_user, clock_services, clock_synchronised, packages, units
from checks.linux.sudo import sudo_file_modes, sudo_option, sudo_without_password

__all__ = [
    "accounts",
    "aide_database",
    "aide_rules",
    "allowed_users",
    "apparmor_profiles",
    "apparmor_state",
    "apt_option",
    "audit_privileged",
    "audit_rules",
    "audit_status",
    "auditd_option",
    "banner",
    "boot_menu_password",
    "chrony_lines",
    "chrony_user",
    "clock_services",
    "clock_synchronised",
    "faillock",
    "file_mode",
    "file_owner",
    "firewall_hidden_ports",
    "firewall_loopback",
    "firewall_policy",
    "firewall_services",
    "groups",
    "home_files",
    "home_modes",
    "homes",
    "interface_sysctl",
    "kernel_options",
    "limit",
    "listening",
    "log_retention_days",
    "login_defs",
    "module",
    "mount",
    "mount_point",
    "open_log_files",
    "package_lists_age_days",
    "packages",
    "pam_module",
    "pam_option",
    "pam_password_hash",
    "password_age",
    "pending_security_updates",
    "pwhistory",
    "pwquality",
    "root_path",
    "rsyslog_directive",
    "rsyslog_files",
    "rsyslog_inputs",
    "rsyslog_remotes",
    "secure_boot",
    "shell_readonly",
    "shell_setting",
    "shells",
    "su_group",
    "sudo_file_modes",
    "sudo_option",
    "sudo_without_password",
    "sweep",
    "sysctl",
    "system_entries",
    "systemd_option",
    "targets",
    "unconfined_processes",
    "units",
    "unpackaged_set_id_programs",
    "unverified_sources",
    "useradd_default",
    "wireless_interfaces",
]


def targets(host: Any) -> list[str]:
    """Return the one nameless instance on any Linux."""
    return [""] if read(host, "uname -s").strip() == "Linux" else []
