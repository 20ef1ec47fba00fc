#!/bin/sh
# By hand, as root: a throw-away user clones the committed state, runs `make demo` to its result, then `make run` until Ctrl-C.
# Not part of `make test`: it installs the locked dependencies anew, which needs a package index and half a minute.
#   sh tests/launch/ordinary_user.sh
set -eu
checkout=$(cd "$(dirname "$0")/../.." && pwd)
user=highway-try-$$
port=${PORT:-8391}
useradd --create-home --shell /bin/sh "$user"
home=$(getent passwd "$user" | cut -d: -f6)
trap 'left_behind | while read -r pid _; do kill -9 "$pid"; done; sleep 0.5; userdel --remove "$user" 2>/dev/null' EXIT
as_user() { su - "$user" -c "$1"; }
left_behind() { ps -o pid=,args= -u "$user" || true; }

# Another user's repository is not to be trusted by git, a bundle is a file like any other.
git -C "$checkout" bundle create -q "$home/repository" HEAD
chmod 644 "$home/repository"
as_user "git -c advice.detachedHead=false clone -q repository highway"
start=$(date +%s)
as_user "cd highway && make demo PORT=$port"
echo "make demo from a clean clone: $(($(date +%s) - start)) s"

# A group of its own, as a terminal would make it; the signal goes to the whole group, as Ctrl-C does.
as_user "cd highway && exec setsid --wait sh -c 'echo \$\$ > group; exec make run PORT=$port > run.log 2>&1'" &
until grep -q "stop it with Ctrl-C" "$home/highway/run.log" 2>/dev/null; do sleep 0.2; done
kill -INT "-$(cat "$home/highway/group")"
wait || true
grep -q "stopped, everything is kept" "$home/highway/run.log"
[ -z "$(left_behind)" ] || { echo "left behind:"; left_behind; exit 1; }
echo "make run stopped and left no process behind"
