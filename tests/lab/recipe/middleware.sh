#!/bin/sh
# Runs inside a root with network: installs databases and middleware, of which a host starts what it is made for.
# Arguments: package names. /root/middleware.list holds the sources of the archive.
set -eu
apt() { apt-get -qq -o Dir::Etc::SourceList=/root/middleware.list -o Dir::Etc::SourceParts=- "$@"; }

# Nothing starts while it is installed.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
apt update
apt -o Dpkg::Options::=--force-unsafe-io install --yes --no-install-recommends "$@" >/dev/null
rm /usr/sbin/policy-rc.d

systemctl disable --quiet mariadb.service rabbitmq-server.service redis-server.service tomcat10.service
# mariadb.socket listens on all addresses, which the service itself does not, and comes with it; RabbitMQ brings an
# epmd of its own along.
for unit in mariadb.socket mariadb-extra.socket epmd.service epmd.socket; do
    systemctl disable --quiet "$unit" 2>/dev/null || true
done
systemctl mask --quiet mariadb.socket mariadb-extra.socket
# Each host makes its own.
rm -f /var/lib/rabbitmq/.erlang.cookie
rm -rf /var/lib/rabbitmq/mnesia
