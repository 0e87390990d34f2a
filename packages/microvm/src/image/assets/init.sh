#!/bin/busybox sh
# The first program of the machine: finds the disk, puts the agent that came along onto it, and goes on there.
b=/bin/busybox
$b mount -t devtmpfs devtmpfs /dev
$b hostname emberbox
for module in /modules/*.ko; do $b insmod $module; done
tries=0
until [ -b /dev/vda ]; do
  tries=$((tries + 1))
  if [ $tries -gt 1000 ]; then
    echo "emberbox: there is no disk"
    $b poweroff -f
  fi
  $b usleep 10000
done
if ! $b mount -t ext4 -o rw,noatime /dev/vda /newroot; then
  echo "emberbox: the disk cannot be mounted"
  $b poweroff -f
fi
$b mount -o move /dev /newroot/dev
$b mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /newroot/run
$b mkdir -m 1777 /newroot/run/lock
if [ -d /agent ]; then
  $b cp -a /agent /newroot/run/emberbox
  $b chown -R 0:0 /newroot/run/emberbox
  $b chmod -R a+rX,go-w /newroot/run/emberbox
fi
init=/run/emberbox/init
[ -x /newroot$init ] || init=/sbin/init-missing
exec $b switch_root /newroot $init
