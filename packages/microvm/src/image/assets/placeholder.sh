# Runs in the guest's root, before the packages are installed. $1: what the placeholder provides, as in a control file.
# Stands in for packages that others demand and the sandbox has no use for (compilers, a debugger, Tk, an initramfs maker).
# apt stays consistent, and installing the real package later works: it takes the placeholder's place.
set -eu
directory=$(mktemp -d)
chmod 755 "$directory"
mkdir "$directory/DEBIAN"
cat > "$directory/DEBIAN/control" <<EOF
Package: emberbox-placeholder
Version: 1
Architecture: all
Maintainer: Emberbox <noreply@localhost>
Provides: $1
Description: stands in for packages left out of the sandbox
EOF
dpkg-deb --build "$directory" /tmp/placeholder.deb
dpkg --install /tmp/placeholder.deb
rm -rf "$directory" /tmp/placeholder.deb
