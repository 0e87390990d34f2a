# Runs in the guest's root, last: what is slow the first time is done here, once; what nobody needs goes.
set -eu
# Under emulation linking at run time is most of what starting a program costs: `bash -c true` takes a quarter of the time.
# dpkg knows the file by one of its two names, /bin/bash or /usr/bin/bash, which differs between releases.
bash=$(dpkg-query --listfiles bash | grep '/bin/bash$')
dpkg-divert --quiet --local --divert "$bash.dynamic" --no-rename --add "$bash"
mv "$bash" "$bash.dynamic"
ln -s bash-static "$bash"

# The libraries' own tests are 100 MB; what begins with an underscore stays, as numpy.testing imports such a file.
# Perl's headers are for compilers, sympy's rubi for a package that Debian lacks.
rm -rf /usr/lib/x86_64-linux-gnu/perl/*/CORE/*.h /usr/lib/python3/dist-packages/sympy/integrals/rubi
find /usr/lib/python3/dist-packages -path '*/tests/*' ! -type d ! -name '_*.py' -delete
python3 -m compileall -q -j 2 /usr/lib/python3/dist-packages /usr/lib/python3.?? > /dev/null 2>&1 || true

# The usual libraries load, and matplotlib's list of fonts is made for both accounts.
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/home/user PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 "$@"; }
cd /
as_user python3 /build/check.py
HOME=/root PYTHONDONTWRITEBYTECODE=1 python3 -c 'import matplotlib.font_manager'
as_user node --version
as_user npm --version
sudo -n true
apt-get check

# Nothing else in /tmp: mmdebstrap keeps its configuration of apt there until the end.
rm -rf /build /var/tmp/* /root/.npm /home/user/.npm /var/cache/debconf/*-old /var/cache/ldconfig/* /var/lib/dpkg/*-old
find /var/log -type f -delete
