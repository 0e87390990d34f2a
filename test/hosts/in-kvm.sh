# Runs in the machine of `kvm.ts`, as root, with KVM. What is to be done is in the kernel's command line.
cd /mnt/emberbox || exit 1
export HOME=/root PATH=/mnt/emberbox/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin
export EMBERBOX_HOME=/mnt/home EMBERBOX_PATIENCE=20 NO_COLOR=1 CI=true
code=0
step() {
  echo "> $*"
  "$@" || { code=1; echo "failed: $*"; }
}
emberbox() { node --conditions=@emberbox/source packages/emberbox/src/bin.ts "$@"; }
life() { node --conditions=@emberbox/source test/hosts/life.ts "$@"; }
home='/home/Zoë Müller'
as_somebody() {
  runuser -u somebody -- env HOME="$home" EMBERBOX_HOME="$home/emberbox" \
    node --conditions=@emberbox/source test/hosts/life.ts "$@"
}

modprobe kvm_amd
ls -l /dev/kvm
uname -a
work=$(sed -n 's/.* emberbox\.work=\([^ ]*\).*/\1/p' /proc/cmdline | base64 -d)
# The arguments are patterns for vitest, not for the shell.
set -f
case $work in
first)
  step emberbox doctor
  step life kvm
  ;;
users)
  # An ordinary user in the group of /dev/kvm, with copies of what root made.
  mkdir -p "$home/emberbox"
  mv /mnt/home/images /mnt/home/templates "$home/emberbox/"
  chown -R somebody:somebody "$home/emberbox"
  step as_somebody kvm
  mv "$home/emberbox/images" "$home/emberbox/templates" /mnt/home/
  chown -R root:root /mnt/home
  chmod 0600 /dev/kvm
  step life refused
  ;;
*)
  # KVM that fails is given up: what was emulated proves nothing.
  step vitest run --reporter verbose --project machines --project alone --test-timeout 3000000 --hook-timeout 6000000 $work
  ls /mnt/home/templates | grep '^tcg' && { code=1; echo 'failed: something was emulated'; }
  ;;
esac
sync
echo "the tests ended with $code"
