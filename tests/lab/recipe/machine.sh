#!/bin/sh
# Runs inside the root of the virtual machine, before it becomes a disk: what a machine needs that a container host does not.
# Writes /boot/lab-initrd, which holds only what this machine's disk takes to mount.
set -eu

systemctl enable --quiet systemd-networkd.service
# Nobody logs in on the console, and waiting for its device fails on a slow machine.
systemctl mask --quiet serial-getty@ttyS0.service
# Nothing here waits for a network to be more than up.
systemctl disable --quiet systemd-networkd-wait-online.service || true

printf '/dev/vda / ext4 errors=remount-ro 0 1\n' > /etc/fstab

version=$(cd /lib/modules && ls -d *-amd64 | sort | tail -n 1)
conf=$(mktemp -d)
cp -a /etc/initramfs-tools/. "$conf/"
printf 'MODULES=list\nCOMPRESS=gzip\n' > "$conf/conf.d/lab"
# Name, keys and services come from the second disk, before systemd starts and reads any of them.
install -d "$conf/scripts/local-bottom"
cat > "$conf/scripts/local-bottom/lab-identity" <<'SCRIPT'
#!/bin/sh
[ "${1-}" = prereqs ] && exit 0
[ -e "$rootmnt/var/lib/lab-identity" ] && exit 0
mount -t ext4 -o ro /dev/vdb "$rootmnt/mnt"
chroot "$rootmnt" cp -a /mnt/. /
umount "$rootmnt/mnt"
chroot "$rootmnt" sh -c 'rmdir /lost+found; touch /var/lib/lab-identity'
SCRIPT
chmod 0755 "$conf/scripts/local-bottom/lab-identity"
printf '%s\n' virtio_pci virtio_blk ext4 crc32c_generic >> "$conf/modules"
mkinitramfs -d "$conf" -o /boot/lab-initrd "$version"
cp "/boot/vmlinuz-$version" /boot/lab-kernel
rm -rf "$conf"
