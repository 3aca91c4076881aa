"""The POSIX shell programs of the guard: they put a host back without Python, without network, without a login.

`revert.sh` is the same for every campaign; what it puts back stands as calls of its functions in `steps/NNNN/do.sh`,
and what is done once at the end (reloads) in `after.sh`. Needs what every Linux has: sh, cp, mv, cmp, stat, sha256sum.
"""

from __future__ import annotations

import shlex

UNIT = "hardening-guard"
UNIT_DIRECTORY = "/etc/systemd/system"
WANTS = UNIT_DIRECTORY + "/timers.target.wants"
CRON = "/etc/cron.d/" + UNIT

LIBRARY = r"""
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
cd "$guard" || exit 1

say() { printf '%s\n' "$*" >>said; }
# Remembered without a disk, too: it may be full.
lost=0
fail() { lost=3; printf '%s\n' "$*" >>failed; }
besides() { beside=${1%/*}/.${1##*/}.hardening~; }
flushed() { sync -- "$@" 2>/dev/null || sync; }
owned() { stat -c '%a %u %g' -- "$1" 2>/dev/null; }
stands() { [ -e "$1" ] || [ -h "$1" ]; }

# aside PATH [KEPT]: keep what is neither as we found it (KEPT) nor as we left it (the digests in `known`).
aside() {
  [ -f "$1" ] && [ ! -h "$1" ] || return 0
  [ $# -eq 1 ] || ! cmp -s -- "$2" "$1" || return 0
  digest=$(sha256sum <"$1") && grep -qxF -- "${digest%% *}" known && return 0
  copy=aside/$(printf '%s' "${1#/}" | tr / %)
  mkdir -p aside
  [ -e "$copy" ] || cp -p -- "$1" "$copy" || { fail "$1: what stands there cannot be kept"; return 1; }
  say "$1 was not as this campaign left it; what stood there is kept as $guard/$copy"
}

label() { [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$1" -- "$2" 2>/dev/null || restorecon -- "$2"; }
as_kept() { [ -f "$2" ] && [ ! -h "$2" ] && cmp -s -- "$1" "$2" && [ "$(owned "$1")" = "$(owned "$2")" ]; }

# back_file KEPT PATH PRESERVE: content, mode, owner and attributes as kept, in one step.
back_file() {
  besides "$2"; rm -f -- "$beside"
  [ "$3" = mode,ownership ] && as_kept "$1" "$2" && return
  if [ -d "$2" ] && [ ! -h "$2" ]; then fail "$2: a directory stands there now"; return; fi
  aside "$2" "$1" || return
  if cp --preserve="$3" -- "$1" "$beside" && label "$1" "$beside" && flushed "$beside" && mv -fT -- "$beside" "$2"
  then flushed "${2%/*}/"; else rm -f -- "$beside"; fi 2>why
  as_kept "$1" "$2" || fail "$2: $(tail -n 1 why)"
}

# back_link PATH TARGET UID:GID
back_link() {
  besides "$1"; rm -f -- "$beside"
  [ -h "$1" ] && [ "$(readlink -- "$1")" = "$2" ] && return
  aside "$1" || return
  { ln -s -- "$2" "$beside" && chown -h -- "$3" "$beside" && mv -fT -- "$beside" "$1"; } 2>why || {
    rm -f -- "$beside"; fail "$1: $(tail -n 1 why)"; }
}

# back_attributes KEPT PATH PRESERVE: mode, owner and attributes of what stands there; its content stays.
back_attributes() {
  if ! stands "$2" || [ -h "$2" ]; then say "$2 was removed by somebody else meanwhile"; return; fi
  [ "$3" = mode,ownership ] && [ "$(owned "$1")" = "$(owned "$2")" ] && return
  { chown --reference="$1" -- "$2" && chmod --reference="$1" -- "$2"; } 2>why || {
    fail "$2: $(tail -n 1 why)"; return; }
  if [ "$3" != mode,ownership ]; then
    if [ -d "$1" ]; then set -- "$@" -R; else set -- "$@" --attributes-only; fi
    cp -T "$4" --preserve="$3" -- "$1" "$2" 2>why || fail "$2: $(tail -n 1 why)"
  fi
}

# back_directory KEPT PATH PRESERVE
back_directory() {
  [ -d "$2" ] || mkdir -- "$2" 2>why || { fail "$2: $(tail -n 1 why)"; return; }
  back_attributes "$@"
}

# gone PATH: nothing was there.
gone() {
  besides "$1"; rm -f -- "$beside"
  stands "$1" || return 0
  if [ -d "$1" ] && [ ! -h "$1" ]; then
    rmdir -- "$1" 2>/dev/null || say "$1 holds what is not ours, so the directory stays"
    return
  fi
  aside "$1" || return
  rm -f -- "$1" 2>why || fail "$1: $(tail -n 1 why)"
  flushed "${1%/*}/"
}

# back_sysctl PATH VALUE
back_sysctl() {
  [ "$(xargs <"$1")" = "$2" ] && return
  { printf '%s\n' "$2" >"$1"; } 2>why && [ "$(xargs <"$1")" = "$2" ] || fail "$1: cannot be set to $2"
}

# reads NAME: the digest of what a runtime's reader (the function read_runtime) says now.
reads() { read_runtime >now 2>why || fail "$1: $(tail -n 1 why)"; digest=$(sha256sum <now); digest=${digest%% *}; }

# back_runtime NAME BEFORE: running state behind commands; the caller defines read_runtime and write_runtime.
back_runtime() {
  reads "$1"
  [ "$digest" = "$2" ] && return
  grep -qxF -- "$digest" known || {
    mkdir -p aside; cp now "aside/$1"; say "$1 was not as this campaign left it; that is kept as $guard/aside/$1"; }
  write_runtime >/dev/null 2>why || { fail "$1: $(tail -n 1 why)"; return; }
  reads "$1"
  [ "$digest" = "$2" ] || fail "$1: was put back, and is not as it was"
}

tried() { "$@" >/dev/null 2>why || fail "\`$*\`: $(tail -n 1 why)"; }

# back_links UNIT [PATH TARGET]...: exactly these symbolic links make the unit what it is.
back_links() {
  unit=$1; shift
  for link in /etc/systemd/system/"$unit" /etc/systemd/system/*.wants/"$unit" /etc/systemd/system/*.requires/"$unit" \
    /etc/systemd/system/*.upholds/"$unit" /etc/systemd/system/* /etc/rc[0-6S].d/[SK][0-9][0-9]"${unit%.service}"; do
    [ -h "$link" ] || continue
    target=$(readlink -- "$link")
    case $link in
      /etc/rc*) ;;
      *) [ "${link##*/}" = "$unit" ] || [ "${target##*/}" = "$unit" ] || continue ;;
    esac
    linked "$link" "$target" "$@" || tried rm -f -- "$link"
  done
  while [ $# -gt 1 ]; do
    if [ ! -h "$1" ]; then [ -d "${1%/*}" ] || tried mkdir -m 755 -- "${1%/*}"; tried ln -s -- "$2" "$1"; fi
    shift 2
  done
}
linked() {
  l=$1; t=$2; shift 2
  while [ $# -gt 1 ]; do [ "$1" = "$l" ] && [ "$2" = "$t" ] && return; shift 2; done
  return 1
}

# unit_is VERB UNIT: started or stopped as it was.
unit_is() {
  if systemctl is-active -q -- "$2"; then [ "$1" = stop ] || return 0; else [ "$1" = start ] || return 0; fi
  tried timeout 120 systemctl "$1" -- "$2"
}

# service VERB UNIT: it ran, so it runs again, on what was put back.
service() {
  verb=$1
  systemctl is-active -q -- "$2" || { verb=restart; systemctl reset-failed -- "$2" 2>/dev/null; }
  [ "$(systemctl show -p CanReload -- "$2")" != CanReload=no ] || verb=restart
  timeout 180 systemctl "$verb" -- "$2" >/dev/null 2>why || { fail "$2: $verb: $(tail -n 1 why)"; return; }
  sleep 1
  systemctl is-active -q -- "$2" || fail "$2 does not run after its $verb"
}
program() { tried timeout 600 "$@"; }
"""

REVERT = r"""#!/bin/sh
# Takes back the changes of one hardening campaign unless they were confirmed; see roles/core/README.md.
guard=$(cd -- "$(dirname -- "$0")" && pwd) || exit 1
. "$guard/library.sh"

# Removes every trigger; the units only where they are those of this campaign.
disarm() {
  if grep -qsF -- "$guard/revert.sh" "$root/etc/systemd/system/hardening-guard.service"; then
    [ ! -d /run/systemd/system ] || systemctl stop hardening-guard.timer
    rm -f -- "$root/etc/systemd/system/timers.target.wants/hardening-guard.timer"
    rm -f -- "$root/etc/systemd/system/hardening-guard.timer" "$root/etc/systemd/system/hardening-guard.service"
    [ ! -e made-wants ] || rmdir -- "$root/etc/systemd/system/timers.target.wants" 2>/dev/null
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    flushed "$root/etc/systemd/system/"
  fi
  if grep -qsF -- "$guard/" "$root/etc/cron.d/hardening-guard"; then rm -f -- "$root/etc/cron.d/hardening-guard"; fi
}

is_writer() {
  [ -n "$1" ] && [ -r "/proc/$1/stat" ] && [ "$(sed 's/^.*) //' "/proc/$1/stat" | cut -d ' ' -f 20)" = "$2" ]
}

exec 9>>lock
! command -v flock >/dev/null || flock -w 900 9 || exit 1
# Whoever renames `armed` first has it: we, or the confirmation.
if [ -s outcome ] || [ -e confirming ] || { ! mv -- armed firing 2>/dev/null && [ ! -e firing ]; }; then
  disarm
  exit 0
fi
# A run that still writes when its time is over hangs; what it has begun is put back with the rest.
if [ -s writer ]; then
  read -r pid began <writer
  if is_writer "$pid" "$began"; then kill -9 "$pid"; say "the run that was still writing was ended"; fi
fi
: >>said
# ended CODE WHAT: 3 is what a part answers that has said itself what failed.
ended() { if [ "$1" = 3 ]; then lost=3; elif [ "$1" != 0 ]; then fail "$2 ended early"; fi; }
for attempt in 1 2; do
  : >failed
  lost=0
  for step in $(ls steps | sort -r); do
    sh -c '. "$1/library.sh"; . "$1/steps/$2/do.sh"; exit "$lost"' sh "$guard" "$step" 9>&-
    ended $? "step $step"
  done
  sh -c '. "$1/library.sh"; . "$1/after.sh"; exit "$lost"' sh "$guard" 9>&-
  ended $? "the last actions"
  [ "$lost" != 0 ] || break
  sleep 1
done
if [ "$lost" != 0 ]; then outcome=revert_failed; else outcome=reverted; fi
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
{ printf '%s\n%s\n' "$outcome" "$at"; sed 's/^/failed: /' failed; sort -u said | sed 's/^/note: /'; } >outcome.part
flushed outcome.part
# On a full disk nothing can be said, and not everything put back: the triggers stay, and the next one tries again.
[ -s outcome.part ] || exit 1
# The host's own record, in the form of module_utils/hardening_core/journal.py.
detail=$(sed 1,2d outcome.part | tr '\n\t' '; ' | tr -cd '[:print:]' | sed 's/["\\]/\\&/g')
mkdir -p ../../journal
printf '\n{"at": "%s", "detail": "%s", "event": "guard", "outcome": "%s"}\n' "$at" "$detail" "$outcome" >>"$journal"
flushed "$journal"
mv -f -- outcome.part outcome
flushed "$guard/"
disarm
"""

# The second trigger, where there is no systemd: one detached process now, and cron's @reboot after a start.
WAIT = r"""#!/bin/sh
guard=$(cd -- "$(dirname -- "$0")" && pwd) || exit 1
sleep "$1"
[ -d "$guard" ] || exit 0
exec /bin/sh "$guard/revert.sh"
"""


# What a new login runs to confirm, with the program that armed the guard and nothing else of this host. Told `local`
# where nobody logs in.
CONFIRM = r"""#!/bin/sh
guard=$(cd -- "$(dirname -- "$0")" && pwd) || exit 1
exec {python} -I -B -c '
import sys
sys.path.insert(0, sys.argv[1] + "/library.zip")
from hardening_core.guard_end import main
main(sys.argv[2], by_login=sys.argv[3:] != ["local"])
' "$guard" {campaign} "$@"
"""


def confirm_text(python: str, campaign: str) -> str:
    """Return the program that confirms, for this interpreter."""
    return CONFIRM.format(python=shlex.quote(python), campaign=shlex.quote(campaign))


def service_text(campaign: str, script: str) -> str:
    """Return the unit that puts the host back."""
    return (
        "[Unit]\nDescription=Takes back the changes of hardening campaign {}, which was not confirmed\n"
        "RequiresMountsFor={}\nStartLimitIntervalSec=0\n\n[Service]\nType=oneshot\nExecStart=/bin/sh {}\n"
        "TimeoutStartSec=1800\nOOMScoreAdjust=-900\n"
    ).format(campaign, script, script)


def timer_text(seconds: int) -> str:
    """Return the unit that starts it: so long after it is armed, and so long after a start of the host.

    No OnBootSec=: on a host that runs longer than that it fires at once. The later times are for a trigger that is lost
    because systemd reloads its units in the very moment (a time that has passed by then is dropped). Every kind starts
    it anew, several in a second: systemd's limit of starts (five in ten seconds) would leave the host unguarded.
    """
    times = "".join("OnActiveSec={}\n".format(seconds + more) for more in (0, 30, 120))
    return (
        "[Unit]\nDescription=Waits for the confirmation of a hardening campaign\nStartLimitIntervalSec=0\n\n"
        "[Timer]\n{}AccuracySec=1s\n\n"
        "[Install]\nWantedBy=timers.target\n"
    ).format(times)


def quoted(*words: str) -> str:
    """Return one line of shell that calls a function with exactly these words."""
    return " ".join(shlex.quote(word) for word in words) + "\n"


def library(guard: str, root: str, journal: str) -> str:
    """Return the functions, with where we are."""
    return "guard={}\nroot={}\njournal={}\n{}".format(*(shlex.quote(part) for part in (guard, root, journal)), LIBRARY)
