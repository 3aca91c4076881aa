"""What the looks at audit rules make of the ways to write one and the same rule."""

from __future__ import annotations

import pytest

from checks import CannotLook, NotApplicable, Truths
from checks.linux import audit_rules, audit_status, auditd_option
from checks.linux.audit import _RULES_ON_DISK
from checks.linux.audit_rules import every_atom, is_covered
from tests.recorded import RecordedHost

STATUS = "enabled 1\nfailure 1\npid 60\nrate_limit 0\nbacklog_limit 8192\n"


@pytest.mark.parametrize(
    ("wanted", "loaded"),
    [
        ("-w /etc/passwd -p wa", "-w /etc/passwd -p wa -k identity"),
        ("-w /etc/passwd -p wa", "-w /etc/passwd -p aw"),
        ("-w /etc/passwd -p wa", "-w /etc/passwd -p rwxa"),
        ("-w /etc/passwd -p wa", "-a always,exit -S all -F path=/etc/passwd -F perm=wa -F key=x"),
        ("-w /etc/sudoers.d -p wa", "-a always,exit -F dir=/etc/sudoers.d/ -F perm=wa"),
        (
            "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset",
            "-a exit,always -F arch=b64 -S fchmod,chmod,fchmodat -F auid>=1000 -F auid!=-1 -F key=perm",
        ),
        (
            "-a always,exit -F arch=b64 -S mount -F auid>=1000 -F auid!=unset",
            "-a always,exit -F arch=b64 -S mount -F auid>=1000 -F auid!=4294967295",
        ),
        ("-a always,exit -F arch=b64 -S mount -F auid>=1000", "-a always,exit -F arch=b64 -S mount"),
        ("-a always,exit -F arch=b64 -S mount", "-a always,exit -F arch=b64 -S all"),
        (
            "-a always,exit -F arch=b64 -C euid!=uid -S execve",
            "-a always,exit -F arch=b64 -S execve -C uid!=euid -F key=x",
        ),
    ],
)
def test_a_rule_that_records_as_much_counts(wanted: str, loaded: str) -> None:
    """The order of words, the key, the spelling of `unset` and anything recorded on top make no difference."""
    assert is_covered(wanted, every_atom(loaded))


@pytest.mark.parametrize(
    ("wanted", "loaded"),
    [
        ("-w /etc/passwd -p wa", "-w /etc/passwd -p r"),
        ("-w /etc/passwd -p wa", "-w /etc/passwd- -p wa"),
        ("-w /etc/passwd -p wa", "-w /etc/passwd -p wa -F uid=0"),
        ("-a always,exit -F arch=b64 -S chmod,fchmod", "-a always,exit -F arch=b64 -S chmod"),
        ("-a always,exit -F arch=b32 -S mount", "-a always,exit -F arch=b64 -S mount"),
        ("-a always,exit -F arch=b64 -S mount", "-a always,exit -F arch=b64 -S mount -F auid>=1000"),
        ("-a always,exit -F arch=b64 -S mount", "-a never,exit -F arch=b64 -S mount"),
        ("-w /etc/passwd -p wa", "-a never,exit -S all -F path=/etc/passwd -F perm=wa"),
        ("-w /etc/passwd -p wa", "-a always,exit -F arch=b64 -S all -F path=/etc/passwd -F perm=wa"),
        ("-w /usr/bin/x -p x", "-a always,exit -F arch=b64 -S unlink -F path=/usr/bin/x"),
        ("-w /etc/passwd -p wa", "-D\n-b 8192\n# -w /etc/passwd -p wa"),
    ],
)
def test_a_rule_that_records_less_does_not_count(wanted: str, loaded: str) -> None:
    """A missing system call or permission, another architecture or one more filter leaves something unrecorded."""
    assert not is_covered(wanted, every_atom(loaded))


def test_loaded_and_written_rules_are_two_truths() -> None:
    """A rule that is only in a file is not loaded, and one that is only loaded is gone after a reboot."""
    rule = "-w /etc/hosts -p wa"
    host = _host(loaded="No rules\n", written=f"-D\n{rule} -k x\n")

    assert audit_rules(host, rules=[rule]) == Truths(running={rule: "missing"}, on_disk={rule: "present"})


def test_a_silent_auditctl_is_no_empty_list_of_rules() -> None:
    """Nothing on standard output means that nothing was seen, not that nothing is loaded."""
    with pytest.raises(CannotLook, match="neither rules"):
        audit_rules(_host(loaded="", written=""), rules=["-w /etc/hosts -p wa"])


def test_without_auditctl_there_is_nothing_to_look_at() -> None:
    """A host without the audit tools is not applicable rather than compliant."""
    with pytest.raises(NotApplicable, match="auditctl is not installed"):
        audit_rules(RecordedHost({}), rules=["-w /etc/hosts -p wa"])


def test_a_program_that_only_the_search_path_misses_is_not_absent() -> None:
    """Who is not root may not find auditctl where it is installed: that is no host without audit rules to look at."""
    where = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v auditctl"
    host = RecordedHost({where: (0, "/usr/sbin/auditctl\n", "")})

    with pytest.raises(CannotLook, match="answered 127"):
        audit_status(host, field="enabled")


def test_the_state_at_start_is_that_of_the_last_line() -> None:
    """Control lines follow one another; the last of a kind holds."""
    host = _host(loaded="No rules\n", written="-b 64\n-b 8192\n-f 1\n-e 2\n")

    assert audit_status(host, field="enabled") == Truths(running="1", on_disk="2")
    assert audit_status(host, field="backlog_limit") == Truths(running="8192", on_disk="8192")


def test_options_of_auditd_are_read_without_regard_to_case() -> None:
    """auditd takes `SYSLOG` and `syslog` alike, and the last line of an option holds."""
    host = RecordedHost(
        {"cat /etc/audit/auditd.conf": (0, "space_left_action = IGNORE\nspace_left_action=SYSLOG\n", "")}
    )

    assert auditd_option(host, option="space_left_action") == "syslog"
    assert auditd_option(host, option="num_logs") is None


def _host(*, loaded: str, written: str) -> RecordedHost:
    return RecordedHost(
        {
            "auditctl -l": (0, loaded, ""),
            "auditctl -s": (0, STATUS, ""),
            "command -v auditctl": (0, "/usr/sbin/auditctl\n", ""),
            _RULES_ON_DISK: (0, written, ""),
        }
    )
