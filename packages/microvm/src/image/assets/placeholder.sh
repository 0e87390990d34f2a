# Runs in the guest's root, before the packages are installed. Its arguments name packages that others demand and that a
# sandbox has no use for (a compiler, a debugger, Tk, an initramfs maker): an empty package stands in for each.
# apt stays consistent, and installing the real one later works. One for each, as some conflict with whatever has their name.
set -eu
for name in "$@"; do
  directory=$(mktemp -d)
  chmod 755 "$directory"
  mkdir "$directory/DEBIAN"
  cat > "$directory/DEBIAN/control" <<EOF
Package: emberbox-without-$name
Version: 1
Architecture: all
Maintainer: Emberbox <noreply@localhost>
Provides: $name (= 99)
Description: stands in for $name, which was left out of the sandbox
EOF
  dpkg-deb --build "$directory" "$directory.deb"
  dpkg --install "$directory.deb"
  rm -rf "$directory" "$directory.deb"
done
