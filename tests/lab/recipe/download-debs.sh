#!/bin/sh
# Runs inside a root with network: downloads packages with what they depend on, without installing them.
# Arguments: package names. One at a time, because some of them exclude each other; a name this release has not got is left out.
set -eu
apt-get -qq update
for package in "$@"; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || continue
    apt-get -qq install --yes --no-install-recommends --reinstall --download-only "$package" >/dev/null 2>&1 ||
        apt-get -qq install --yes --no-install-recommends --download-only "$package" >/dev/null 2>&1 || continue
done
mkdir -p /opt/debs
mv /var/cache/apt/archives/*.deb /opt/debs/
