#!/bin/sh
# Runs inside a fresh root: makes of a bare Debian the server that every lab host and lab machine starts from.
# Vendor defaults stay, except: accounts to log in with, one TLS vhost, PostgreSQL listening on all addresses.
# Arguments: none. Environment: LAB_ROOT_PASSWORD, LAB_OPS_PASSWORD (tests/lab/accounts.py).
set -eu

# ops: key, sudo without a password. opspw: key, sudo asks. opssu: key, no sudo at all, becomes root through su.
for user in ops opspw opssu; do
    id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
done
usermod --append --groups sudo ops
usermod --append --groups sudo opspw
printf 'root:%s\nops:%s\nopspw:%s\nopssu:%s\n' \
    "$LAB_ROOT_PASSWORD" "$LAB_OPS_PASSWORD" "$LAB_OPS_PASSWORD" "$LAB_OPS_PASSWORD" | chpasswd
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops

cat > /etc/nginx/sites-available/tls <<'NGINX'
server {
    listen 443 ssl default_server;
    ssl_certificate /etc/ssl/certs/ssl-cert-snakeoil.pem;
    ssl_certificate_key /etc/ssl/private/ssl-cert-snakeoil.key;
    root /var/www/html;
    index index.html index.nginx-debian.html;
    server_name _;
    location / { try_files $uri $uri/ =404; }
}
NGINX
ln -sf ../sites-available/tls /etc/nginx/sites-enabled/tls

for conf in /etc/postgresql/*/main/conf.d; do
    # The vendor default is loopback; a database server serves others.
    printf "listen_addresses = '*'\n" > "$conf/server.conf"
    chown postgres:postgres "$conf/server.conf"
    chmod 0644 "$conf/server.conf"
done

# A host enables what it is to run when it is made (LabHost, services=).
systemctl disable --quiet nginx.service postgresql.service
systemctl enable --quiet ssh.service

[ -e /etc/default/grub ] || cat > /etc/default/grub <<'GRUB'
GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="Debian"
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""
GRUB
mkdir -p /boot/grub

# Each host gets its own identity when it first boots.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
