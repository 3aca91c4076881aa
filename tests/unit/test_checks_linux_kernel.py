"""What the looks at kernel, mounts and files make of recorded answers."""

from __future__ import annotations

import pytest

from checks import CannotLook, NotApplicable, Truths
from checks.linux import file_mode, interface_sysctl, module, mount, mount_point, sysctl
from checks.linux.kernel import SYSCTL_AT_BOOT, value_at_boot
from tests.recorded import RecordedHost

SHOW_MODULES = "c=$(modprobe --showconfig) && printf '%s\\n' \"$c\" | sed -n '/^install /p'"
NO_SUCH = (2, "", "ls: cannot access '/x': No such file or directory")


def test_the_last_line_wins_at_boot() -> None:
    """Of two lines for one key, systemd-sysctl applies the later."""
    assert value_at_boot("# /a\nnet.ipv4.ip_forward = 1\n# /b\nnet.ipv4.ip_forward=0\n", "net.ipv4.ip_forward") == "0"


def test_an_exact_line_beats_a_later_pattern() -> None:
    """sysctl.d(5): a key that is named is not set by patterns, whatever their order."""
    config = "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 0\n"

    assert value_at_boot(config, "net.ipv4.conf.all.rp_filter") == "1"
    assert value_at_boot(config, "net.ipv4.conf.eth0.rp_filter") == "0"


def test_a_key_taken_out_of_the_patterns_is_not_set() -> None:
    """A line with `-key` and no value keeps patterns from the key."""
    config = "net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n"

    assert value_at_boot(config, "net.ipv4.conf.all.rp_filter") is None


def test_slashes_keep_the_dots_of_an_interface() -> None:
    """`net/ipv4/conf/eth0.10/x` names the interface eth0.10, spelled eth0/10 with dots as separators."""
    config = "net/ipv4/conf/eth0.10/accept_redirects = 0\n"

    assert value_at_boot(config, "net.ipv4.conf.eth0/10.accept_redirects") == "0"


def test_a_parameter_the_kernel_lacks_is_not_applicable() -> None:
    """A key that is not below /proc/sys is nothing to judge."""
    host = RecordedHost(
        {
            "sysctl -n kernel.nope": (255, "", "sysctl: cannot stat"),
            "cat /proc/sys/kernel/nope": (1, "", "cat: ..."),
            "LC_ALL=C ls -d /proc/sys/kernel/nope": NO_SUCH,
        }
    )

    with pytest.raises(NotApplicable, match=r"no kernel\.nope"):
        sysctl(host, key="kernel.nope")


def test_a_parameter_that_cannot_be_read_is_no_verdict() -> None:
    """A key that is there and refuses to be read is neither right nor wrong."""
    host = RecordedHost(
        {
            "sysctl -n kernel.x": (255, "", "permission denied on key"),
            "cat /proc/sys/kernel/x": (1, "", "Permission denied"),
            "LC_ALL=C ls -d /proc/sys/kernel/x": (0, "/proc/sys/kernel/x", ""),
        }
    )

    with pytest.raises(CannotLook, match="cannot be read"):
        sysctl(host, key="kernel.x")


def test_interfaces_of_containers_are_left_out() -> None:
    """Only interfaces that stay are looked at, each with both truths."""
    path = "/proc/sys/net/ipv4/conf/*/accept_redirects"
    lines = "".join(
        f"/proc/sys/net/ipv4/conf/{name}/accept_redirects:{value}\n"
        for name, value in (("all", "0"), ("default", "0"), ("lo", "1"), ("eth0", "1"), ("veth12ab", "1"))
    )
    config = "net/ipv4/conf/eth0/accept_redirects = 0\n"
    host = RecordedHost({f"grep -H '' {path}": (0, lines, ""), SYSCTL_AT_BOOT: (0, config, "")})

    seen = interface_sysctl(host, key="net.ipv4.conf.*.accept_redirects")

    assert seen == Truths(running={"eth0": "1"}, on_disk={"eth0": "0"})


@pytest.mark.parametrize(
    ("loaded", "rules", "seen"),
    [
        ("ext4\n", "install usb_storage /bin/false\n", Truths(running="blocked", on_disk="blocked")),
        ("ext4\nusb_storage\n", "install usb-storage /bin/true\n", Truths(running="loaded", on_disk="blocked")),
        ("ext4\n", "install usb_storage modprobe --ignore-install x\n", Truths(running="blocked", on_disk="loadable")),
    ],
)
def test_a_module_is_blocked_when_modprobe_refuses_and_it_is_not_loaded(loaded: str, rules: str, seen: Truths) -> None:
    """Dashes and underscores are one to modprobe; an install line that loads something blocks nothing."""
    replies = {"test -d /sys/module": (0, "", ""), "ls /sys/module": (0, loaded, ""), SHOW_MODULES: (0, rules, "")}

    assert module(RecordedHost(replies), name="usb-storage") == seen


def test_a_failing_modprobe_is_not_an_empty_configuration() -> None:
    """Without modprobe's answer nobody knows what is blocked."""
    replies = {"test -d /sys/module": (0, "", ""), "ls /sys/module": (0, "ext4\n", ""), SHOW_MODULES: (127, "", "")}

    with pytest.raises(CannotLook):
        module(RecordedHost(replies), name="cramfs")


def test_the_last_mount_on_a_point_is_the_one_seen() -> None:
    """A later mount covers an earlier one; options come from it, and fstab tells the next boot."""
    table = "tmpfs /tmp tmpfs rw,nosuid 0 0\ntmpfs /tmp tmpfs rw,nosuid,nodev 0 0\n"
    fstab = "# c\ntmpfs /tmp tmpfs nosuid 0 0\n"
    host = RecordedHost({"cat /proc/self/mounts": (0, table, ""), "cat /etc/fstab": (0, fstab, "")})

    assert mount(host, path="/tmp") == Truths(running=["rw", "nosuid", "nodev"], on_disk=["nosuid"])


def test_a_directory_without_a_file_system_of_its_own_has_no_mount_options() -> None:
    """There is nothing to judge, and a control on the partition says so itself."""
    host = RecordedHost({"cat /proc/self/mounts": (0, "/dev/vda / ext4 rw 0 0\n", ""), "test -d /home": (0, "", "")})

    with pytest.raises(NotApplicable, match="/home has no file system"):
        mount(host, path="/home")
    assert mount_point(host, path="/home") == "not separate"


def test_a_missing_file_is_told_from_a_refused_one_in_any_language() -> None:
    """The first answer may be in Chinese; the second is asked for in the C locale."""
    missing = "stat: 无法取得 '/etc/x' 的文件状态(statx): 没有那个文件或目录"
    gone = RecordedHost({"stat -c '%a %U:%G' /etc/x": (1, "", missing), "LC_ALL=C ls -d /etc/x": NO_SUCH})
    refused = RecordedHost(
        {"stat -c '%a %U:%G' /etc/x": (1, "", "权限不够"), "LC_ALL=C ls -d /etc/x": (2, "", "denied")}
    )

    with pytest.raises(NotApplicable):
        file_mode(gone, path="/etc/x")
    with pytest.raises(CannotLook):
        file_mode(refused, path="/etc/x")
