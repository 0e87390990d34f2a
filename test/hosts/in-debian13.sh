# Runs in the Debian 13 of `debian13.ts`, as root, in the checkout. Arguments: vitest's.
mount -t tmpfs -o mode=1777 tmpfs /dev/shm 2>/dev/null
umask 077
code=0
as_somebody() {
  echo "> $*"
  runuser -u somebody -- env HOME="$HOME" USER=somebody LC_ALL=C NO_COLOR=1 "$@" ||
    { code=1; echo "failed: $*"; }
}
clean=PATH=/usr/local/bin:/usr/bin:/bin
workspace=PATH=$PWD/node_modules/.bin:/usr/local/bin:/usr/bin:/bin

cat /etc/debian_version
as_somebody "$clean" node --version
# The image is built anew, as this user.
as_somebody "$clean" npm run quickstart
as_somebody "$workspace" node --conditions=@emberbox/source packages/emberbox/src/bin.ts doctor
as_somebody "$workspace" vitest run --project machines "$@"
exit $code
