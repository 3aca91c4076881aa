"""How each part of a host's resources is read: one command for each, all sent in one batch. Nothing is installed.

Every reader takes an ordinary testinfra `Host` and returns what it saw as plain values; what it cannot see it says
by raising `CannotSee`, never by a zero or an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hardening.model import Json
from hardening.resources import parsing, parsing_services
from hardening.resources.parsing import CannotSee

# Seconds that measuring directories may take of a host; what is not done by then is said to be unknown.
DU_S = 8
DU_PLACES = "/var/lib /var/log /var/www /srv /opt /home /data"
BIGGEST = 10
PENDING_S = 25

CPU = "LC_ALL=C lscpu"
CPU_TIME = "head -n 1 /proc/stat; cat /proc/loadavg"
MEMORY = "cat /proc/meminfo"
SYSTEM = (
    "cat /etc/os-release; echo kernel=$(uname -r); echo machine=$(uname -m);"
    " echo hostname=$(cat /proc/sys/kernel/hostname); echo uptime=$(cut -d' ' -f1 /proc/uptime);"
    " echo boot_id=$(cat /proc/sys/kernel/random/boot_id)"
)
FORM = (
    "echo virt=$(systemd-detect-virt 2>/dev/null || echo unknown);"
    " for f in sys_vendor product_name; do echo $f=$(cat /sys/class/dmi/id/$f 2>/dev/null); done"
)
DISKS = "lsblk --json --bytes --output NAME,TYPE,SIZE,ROTA,MODEL,PKNAME"
# Only what lies on this host: one network share that hangs would hang the look.
FILE_SYSTEMS = (
    "LC_ALL=C df --local --block-size=1 -x tmpfs -x devtmpfs -x squashfs -x efivarfs"
    " --output=source,fstype,size,used,avail,itotal,iused,iavail,target"
)
LVM = (
    "command -v vgs >/dev/null 2>&1 || { echo absent; exit 0; };"
    " vgs --reportformat json --units b --nosuffix -o vg_name,vg_size,vg_free &&"
    " lvs --reportformat json --units b --nosuffix -o vg_name,lv_name,lv_size"
)
INTERFACES = (
    "cat /proc/net/dev; echo; cd /sys/class/net && grep -s . */operstate */speed */address */mtu */type;"
    " echo; ip -o addr show; echo rc=$?"
)
LISTENING = "ss -H -lntup"
PACKAGES = (
    "if command -v dpkg-query >/dev/null 2>&1; then echo dpkg; dpkg-query -W -f='${db:Status-Abbrev}\\n';"
    " elif command -v rpm >/dev/null 2>&1; then echo rpm; rpm -qa --qf 'ii \\n'; else echo none; fi"
)
# The lists must have been fetched once, else "nothing to update" says nothing.
PENDING = (
    "if command -v apt-get >/dev/null 2>&1; then"
    " n=$(find /var/lib/apt/lists -maxdepth 1 -type f -name '*Release' | wc -l);"
    " newest=$(find /var/lib/apt/lists -maxdepth 1 -type f -name '*Release' -printf '%T@\\n' | sort -n | tail -n 1);"
    ' echo "apt $n $newest"; LC_ALL=C apt-get -s -o Debug::NoLocking=true upgrade;'
    " elif command -v dnf >/dev/null 2>&1; then echo dnf; LC_ALL=C dnf -q --cacheonly updateinfo list --updates;"
    " else echo none; fi"
)
# First what systemd gives every service, then what each has.
LIMITS = (
    "systemctl show --property=DefaultTasksMax,DefaultLimitNOFILE --no-pager && echo &&"
    " systemctl show '*.service' --state=running"
    " --property=Id,MemoryMax,MemoryCurrent,CPUQuotaPerSecUSec,TasksMax,LimitNOFILE --no-pager"
)
DIRECTORIES = f"timeout {DU_S} du --one-file-system --block-size=1 --max-depth=1 {DU_PLACES} 2>/dev/null; echo rc=$?"
CONTAINERS = (
    "for e in docker podman; do command -v $e >/dev/null 2>&1 || continue; echo engine=$e;"
    " $e ps --all --no-trunc --format '{{json .}}' || echo failed=$e; done; echo end"
)
POSTGRESQL_QUERY = (
    "SELECT json_build_object("
    "'version', current_setting('server_version'),"
    "'data_directory', current_setting('data_directory'),"
    "'max_connections', current_setting('max_connections')::int,"
    "'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
    "'standby', pg_is_in_recovery(),"
    "'lag_s', CASE WHEN pg_is_in_recovery() THEN"
    " extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END,"
    "'replicas', (SELECT coalesce(json_agg(json_build_object('name', application_name, 'state', state,"
    " 'behind_bytes', CASE WHEN NOT pg_is_in_recovery() THEN"
    " pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END)), '[]') FROM pg_stat_replication),"
    "'databases', (SELECT json_object_agg(datname, pg_database_size(oid)) FROM pg_database WHERE datallowconn))"
)
# A socket is a server that runs; its owner may ask without a password.
POSTGRESQL = (
    'found=; for s in /var/run/postgresql/.s.PGSQL.* /tmp/.s.PGSQL.*; do [ -S "$s" ] || continue; found=1;'
    ' p=${s##*.}; d=${s%/*}; o=$(stat -c %U "$s");'
    ' echo "cluster $p"; runuser -u "$o" -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$d" -p "$p" -d postgres'
    f' -c "{POSTGRESQL_QUERY}" 2>&1 || echo "failed $?"; done;'
    ' [ -n "$found" ] || { grep -qsx -e postgres -e postmaster /proc/[0-9]*/comm && echo hidden || echo absent; }'
)

Reader = Callable[[Any], Json]


def _out(host: Any, command: str, *, allowed: tuple[int, ...] = (0,)) -> str:
    """Return what a command printed. Raises CannotSee for any other exit code, with its first words."""
    done = host.run(command)
    if done.rc not in allowed:
        said = (str(done.stderr).strip() or str(done.stdout).strip()).splitlines()
        name = command.removeprefix("LC_ALL=C ").split()[0]
        raise CannotSee(f"`{name}` answered {done.rc}" + (f": {said[0][:200]}" if said else ""))
    return str(done.stdout)


def cpu(host: Any) -> Json:
    """Return model, count, sockets, architecture."""
    return parsing.cpu(_out(host, CPU))


def cpu_time(host: Any) -> Json:
    """Return seconds that all CPUs were busy, and seconds altogether, since boot; and the three load averages."""
    return parsing.cpu_time(_out(host, CPU_TIME))


def memory(host: Any) -> Json:
    """Return bytes of memory and swap: total, available, swap total and free."""
    return parsing.memory(_out(host, MEMORY))


def system(host: Any) -> Json:
    """Return operating system, kernel, host name, boot id and seconds since boot."""
    return parsing.system(_out(host, SYSTEM))


def form(host: Any) -> Json:
    """Return whether the host is physical, virtual or a container, by what, and its maker's words."""
    return parsing.form(_out(host, FORM))


def disks(host: Any) -> Json:
    """Return every disk with its bytes, and whether it rotates."""
    return parsing.disks(_out(host, DISKS))


def file_systems(host: Any) -> Json:
    """Return local file systems by mount point: device, type, bytes and inodes, of which used.

    `df` answers 1 where some could not be read and lists the others; the ones that are missing are then unknown, so
    the answer says `partly` why.
    """
    done = host.run(FILE_SYSTEMS)
    found = parsing.file_systems(str(done.stdout))
    if not found:
        raise CannotSee(f"`df` answered {done.rc}: {str(done.stderr).strip()[:200]}")
    held: dict[str, Json] = {"mounted": found}
    if done.rc != 0:
        held["partly"] = f"`df` answered {done.rc}: {str(done.stderr).strip()[:200]}"
    return held


def lvm(host: Any) -> Json:
    """Return volume groups with bytes and free bytes, and logical volumes; empty where the host has no LVM tools."""
    return parsing.lvm(_out(host, LVM))


def interfaces(host: Any) -> Json:
    """Return network interfaces: state, speed in Mbit/s (None where it has none), addresses, bytes and errors."""
    return parsing.interfaces(_out(host, INTERFACES))


def listening(host: Any) -> Json:
    """Return what listens: protocol, address, port, process names."""
    return parsing.listening(_out(host, LISTENING))


def packages(host: Any) -> Json:
    """Return how many packages are installed, and which manager says so."""
    return parsing.packages(_out(host, PACKAGES))


def pending_updates(host: Any) -> Json:
    """Return how many updates wait, and how many of them are for security, by the lists the host has."""
    return parsing.pending_updates(_out(host, PENDING))


def limits(host: Any) -> Json:
    """Return limits of the running services that have one beside the system's defaults, and the memory they use."""
    return parsing_services.limits(_out(host, LIMITS))


def directories(host: Any) -> Json:
    """Return the biggest directories below the usual places of data, with bytes; measured for a few seconds at most."""
    return parsing_services.directories(_out(host, DIRECTORIES), most=BIGGEST, limit_s=DU_S)


def containers(host: Any) -> Json:
    """Return containers by engine; empty where the host has no engine."""
    return parsing_services.containers(_out(host, CONTAINERS))


def postgresql(host: Any) -> Json:
    """Return PostgreSQL servers by port: version, connections, databases with bytes, replication; empty for none."""
    return parsing_services.postgresql(_out(host, POSTGRESQL))


READERS: Mapping[str, Reader] = {
    reader.__name__: reader
    for reader in (
        system,
        form,
        cpu,
        cpu_time,
        memory,
        disks,
        file_systems,
        lvm,
        interfaces,
        listening,
        packages,
        pending_updates,
        limits,
        postgresql,
        containers,
        directories,
    )
}


def commands() -> Iterator[str]:
    """Yield every command that a look sends, for whoever wants to compare its cost with one ssh of the same."""
    yield from (
        SYSTEM, FORM, CPU, CPU_TIME, MEMORY, DISKS, FILE_SYSTEMS, LVM, INTERFACES, LISTENING, PACKAGES, PENDING,
        LIMITS, POSTGRESQL, CONTAINERS, DIRECTORIES,
    )  # fmt: skip
