#!/bin/sh
# Installs the Debian packages the project needs and this machine lacks: Python's venv, what the
# lab builds hosts with, and the programs of others that judge our reports.
# Without root, or off Debian, it says what is missing and goes on: scanning needs none of it.
set -eu

packages="
    apt-utils
    arch-test
    ca-certificates
    chromium
    debian-archive-keyring
    e2fsprogs
    faketime
    fonts-noto-cjk
    gcc
    gnupg
    iproute2
    ipxe-qemu
    libc6-dev
    libreoffice-calc-nogui
    libreoffice-writer-nogui
    libxml2-utils
    mmdebstrap
    nftables
    openscap-scanner
    openssh-client
    poppler-utils
    postgresql
    procps
    python3-venv
    qemu-system-x86
    qemu-utils
    seabios
    systemd-container
    util-linux
"

# Its program alone is wanted: the tests of the scan engine run it on loopback. This machine must not begin to let
# people in because somebody ran our tests, so the service that comes with it is neither started nor enabled.
install_sshd() {
    policy=/usr/sbin/policy-rc.d
    made=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=yes
    fi
    answer=0
    apt-get -q install --yes --no-install-recommends openssh-server || answer=$?
    [ -z "$made" ] || rm -f "$policy"
    [ "$answer" -eq 0 ] || return "$answer"
    deb-systemd-helper disable ssh.service ssh.socket
    update-rc.d ssh disable
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: this is not Debian: the lab of real hosts is not available here; the rest is" >&2
    exit 0
fi

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

missing=
for package in $packages; do
    is_installed "$package" || missing="$missing $package"
done
needs_sshd=
is_installed openssh-server || needs_sshd=yes
[ -n "$missing$needs_sshd" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup: not root, so these packages stay missing and the lab of real hosts will not run:$missing${needs_sshd:+ openssh-server}" >&2
    exit 0
fi

echo "setup: installing$missing${needs_sshd:+ openssh-server (not as a service)}" >&2
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# Word splitting is meant: one argument per package.
# shellcheck disable=SC2086
if ! {
    apt-get -q update &&
        { [ -z "$missing" ] || apt-get -q install --yes --no-install-recommends $missing; } &&
        { [ -z "$needs_sshd" ] || install_sshd; }
} >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "setup: apt-get could not install the packages above; its last lines are shown, all of them are in $log" >&2
    exit 1
fi
rm -f "$log"
