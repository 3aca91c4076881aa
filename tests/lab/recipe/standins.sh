#!/bin/sh
# Runs inside the root of a container host: puts stand-ins where a container cannot reach the kernel.
# What passes through a stand-in proves the role and the check against each other; the virtual machine proves the kernel.
# Arguments: the directory that holds the stand-ins. Environment: LAB_KERNEL (uname -r of the machine below).
set -eu
from=$1

install -D -m 0755 "$from/writable-sysctls" /usr/local/lib/lab/writable-sysctls
install -D -m 0644 "$from/lab-writable-sysctls.service" /etc/systemd/system/lab-writable-sysctls.service
systemctl enable --quiet lab-writable-sysctls.service

# auditd: the kernel's audit socket answers only in the first namespaces. PIDFile= must go, or systemd waits 90 s for it.
install -d /etc/systemd/system/auditd.service.d /var/log/audit
cat > /etc/systemd/system/auditd.service.d/lab.conf <<'UNIT'
[Service]
Type=simple
PIDFile=
ExecStart=
ExecStart=/bin/sleep infinity
ExecStartPost=
ExecStartPost=-/sbin/augenrules --load
ExecStopPost=
ExecReload=
ExecReload=/bin/true
UNIT
: > /var/log/audit/audit.log
chown root:adm /var/log/audit /var/log/audit/audit.log
chmod 0750 /var/log/audit
chmod 0640 /var/log/audit/audit.log
dpkg-divert --quiet --local --rename --add /usr/sbin/auditctl
install -m 0755 "$from/auditctl" /usr/sbin/auditctl
# Debian 13 loads the rules from a unit of its own, which a container skips.
if [ -e /usr/lib/systemd/system/audit-rules.service ]; then
    install -d /etc/systemd/system/audit-rules.service.d
    printf '[Unit]\nConditionKernelCommandLine=\nConditionVirtualization=\nConditionCapability=\n' \
        > /etc/systemd/system/audit-rules.service.d/lab.conf
fi

# chronyd: no CAP_SYS_TIME here; with -x it never touches the clock.
install -d /etc/systemd/system/chrony.service.d
printf '[Unit]\nConditionCapability=\n' > /etc/systemd/system/chrony.service.d/lab.conf
sed -i 's/^DAEMON_OPTS=.*/DAEMON_OPTS="-F 1 -x"/' /etc/default/chrony

# Modules: the kernel below loads none. Give it the tree of Debian's kernel, with what it has built in listed as built in,
# so that modprobe -n, modinfo and blacklists answer as on a machine of its own.
debian_kernel=$(cd /lib/modules && find . -mindepth 1 -maxdepth 1 -name '*-amd64' | sort | head -n 1)
if [ ! -d "/lib/modules/$LAB_KERNEL" ]; then
    cp -a "/lib/modules/$debian_kernel" "/lib/modules/$LAB_KERNEL"
    cd "/lib/modules/$LAB_KERNEL"
    for module in $(ls /sys/module); do
        dashed=$(printf %s "$module" | tr _ -)
        find kernel \( -name "$module.ko*" -o -name "$dashed.ko*" \) | while read -r file; do
            rm -f "$file"
            printf '%s\n' "${file%.xz}" >> modules.builtin
        done
    done
    depmod -a "$LAB_KERNEL"
    cd /
fi

# Boot loader: grub-mkconfig cannot probe an overlay.
dpkg-divert --quiet --local --rename --add /usr/sbin/grub-mkconfig
install -m 0755 "$from/grub-mkconfig" /usr/sbin/grub-mkconfig
grub-mkconfig -o /boot/grub/grub.cfg
