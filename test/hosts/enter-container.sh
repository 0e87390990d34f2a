# The directory $1 becomes the root of this process's view of files, as in a container. $2: what else the container may
# see of /proc ("masked" is the engines' default). Then the program and its arguments.
set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --rbind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 -o ro cgroup sys/fs/cgroup
mount -t tmpfs -o mode=755,size=64k tmpfs dev
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777,size=64m tmpfs dev/shm
ln -s /proc/self/fd dev/fd
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${name#*:}" "dev/${name%:*}"; done
if [ "$2" = masked ]; then
  for path in acpi asound scsi; do
    [ ! -d "proc/$path" ] || mount -t tmpfs -o ro tmpfs "proc/$path"
  done
  for path in interrupts kcore keys latency_stats sched_debug timer_list; do
    [ ! -e "proc/$path" ] || mount --bind dev/null "proc/$path"
  done
  for path in bus fs irq sys sysrq-trigger; do
    [ -e "proc/$path" ] || continue
    mount --bind "proc/$path" "proc/$path"
    mount -o remount,bind,ro "proc/$path"
  done
  [ ! -d sys/firmware ] || mount -t tmpfs -o ro tmpfs sys/firmware
fi
pivot_root . .
umount -l .
shift 2
exec chroot . "$@"
