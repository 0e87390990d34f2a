# Runs in the guest's root, after the packages are installed: node and npm, the user, and the configuration.
set -eu

tar -xzOf /build/node.tgz package/bin/node > /usr/local/bin/node
chmod 755 /usr/local/bin/node
mkdir -p /usr/local/lib/node_modules/npm /usr/local/etc
tar -xzf /build/npm.tgz -C /usr/local/lib/node_modules/npm --strip-components=1 --no-same-owner
rm -rf /usr/local/lib/node_modules/npm/man /usr/local/lib/node_modules/npm/docs
ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
chmod 755 /usr/local/lib/node_modules/npm/bin/npm-cli.js /usr/local/lib/node_modules/npm/bin/npx-cli.js
printf 'audit=false\nfund=false\nupdate-notifier=false\n' > /usr/local/etc/npmrc

# No step of a login shell starts a program: that is what costs time in a machine without KVM. PATH is what the agent gave.
cat > /etc/profile <<'EOF'
export LANG="${LANG:-C.UTF-8}"
for script in /etc/profile.d/*.sh; do
  if [ -r "$script" ]; then . "$script"; fi
done
unset script
EOF
cat > /etc/skel/.profile <<'EOF'
if [ -n "${PS1-}" ] && [ -n "${BASH_VERSION-}" ] && [ -f ~/.bashrc ]; then . ~/.bashrc; fi
EOF
cat > /etc/skel/.bashrc <<'EOF'
if [ -z "${PS1-}" ]; then return; fi
PS1='\u@\h:\w\$ '
HISTCONTROL=ignoreboth
alias ls='ls --color=auto' grep='grep --color=auto' ll='ls -l'
EOF
rm -f /etc/skel/.bash_logout /etc/bash.bashrc
# Not in the profile: every command would read it.
install -D -m 644 /build/command-not-found.sh /usr/local/lib/command-not-found.sh
cat > /etc/profile.d/command-not-found.sh <<'EOF'
command_not_found_handle() { . /usr/local/lib/command-not-found.sh; }
EOF
update-alternatives --quiet --install /usr/bin/vim vim /usr/bin/vim.tiny 10
cp /etc/skel/.profile /etc/skel/.bashrc /root/

groupadd --gid 1000 user
# Debian 13 would keep other users out of the home.
useradd --key HOME_MODE=0755 --uid 1000 --gid 1000 --create-home --shell /bin/bash --password '*' user
echo 'user ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/user
chmod 440 /etc/sudoers.d/user

echo emberbox > /etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\temberbox\n::1\tlocalhost ip6-localhost ip6-loopback\n' > /etc/hosts
# Nothing answers there unless the agent does: a look-up fails at once instead of waiting.
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' > /etc/resolv.conf
echo 'LANG=C.UTF-8' > /etc/default/locale
: > /etc/machine-id
printf '[global]\nbreak-system-packages = true\ndisable-pip-version-check = true\nroot-user-action = ignore\n' > /etc/pip.conf
# There is no service manager: packages must not try to start what they install.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cat > /sbin/init-missing <<'EOF'
#!/bin/sh
echo "emberbox: no agent came with this machine"
exec /bin/busybox poweroff -f
EOF
chmod 755 /sbin/init-missing
