# Runs in the guest's root: leaves /boot/vmlinuz and /boot/initrd, and in /lib/modules what a sandbox can use.
# The kernel comes from the host, so its package goes: an upgrade inside a sandbox must not install another one.
set -eu
version=$(ls /lib/modules)
modules=/lib/modules/$version
# Since Debian 13 they are compressed: whatever loads one, the first time in each sandbox, would have to unpack it.
find "$modules" -name '*.ko.xz' -exec unxz {} +
depmod "$version"
mv "/boot/vmlinuz-$version" /build/vmlinuz
cp -a "$modules" /build/modules

# Its removal script asks a question when the host happens to run the same kernel.
rm -f /var/lib/dpkg/info/linux-image-*.prerm /var/lib/dpkg/info/linux-image-*.postrm
dpkg --purge linux-image-cloud-amd64 "linux-image-$version" linux-base
rm -rf /boot/* /vmlinuz* /initrd.img* "$modules"
mv /build/vmlinuz /boot/vmlinuz
mkdir -p "$modules"
cp /build/modules/modules.order /build/modules/modules.builtin* "$modules/"

cd /build/modules
for kept in arch crypto lib mm \
  drivers/block drivers/char drivers/net/tun.ko drivers/net/veth.ko drivers/net/dummy.ko drivers/net/bonding \
  drivers/net/macvlan.ko drivers/net/ipvlan drivers/net/vxlan drivers/net/wireguard drivers/virtio \
  fs/fuse fs/overlayfs fs/squashfs fs/isofs fs/fat fs/nls fs/binfmt_misc.ko fs/netfs fs/autofs \
  net/802 net/8021q net/bridge net/core net/ipv4 net/ipv6 net/llc net/netfilter net/netlink net/packet net/sched net/unix net/xfrm; do
  if [ -e "kernel/$kept" ]; then
    mkdir -p "$modules/kernel/$(dirname "$kept")"
    cp -a "kernel/$kept" "$modules/kernel/$kept"
  fi
done
depmod "$version"

# The initial file system: busybox, and what it takes to see the disk and the channel, numbered in the order of loading.
mkdir -p /build/initrd.d/bin /build/initrd.d/dev /build/initrd.d/newroot /build/initrd.d/modules
cp /bin/busybox /build/initrd.d/bin/busybox
cp /build/init.sh /build/initrd.d/init
chmod 755 /build/initrd.d/init
number=10
add_module() {
  name=$(basename "$1")
  for there in /build/initrd.d/modules/*-"$name"; do
    if [ -e "$there" ]; then return; fi
  done
  cp "/build/modules/$1" "/build/initrd.d/modules/$number-$name"
  number=$((number + 1))
}
for wanted in block/virtio_blk char/virtio_console char/hw_random/virtio-rng virtio/virtio_pci virtio/virtio_balloon; do
  module=kernel/drivers/$wanted.ko
  if [ ! -e "/build/modules/$module" ]; then continue; fi
  # modules.dep names what a module needs, the deepest last.
  needed=""
  for dependency in $(sed -n "s|^$module:||p" /build/modules/modules.dep); do needed="$dependency $needed"; done
  for each in $needed "$module"; do add_module "$each"; done
done
cd /build/initrd.d
find . | LC_ALL=C sort | busybox cpio -o -H newc -R 0:0 > /boot/initrd
# A second archive may follow, and must begin on a multiple of four.
truncate -s %512 /boot/initrd
test -s /boot/initrd
