#!/bin/sh
# A machine with an /etc and a /home of its own and two people on it; runs in a mount namespace of its own.
# machine.sh FOLDER NEEDED... -- COMMAND...: both are in FOLDER; everybody reaches the folders that are NEEDED.
set -eu
folder=$1
shift
mount --bind "$folder/etc" /etc
mount --bind "$folder/home" /home
for name in ada bob; do
  useradd --create-home --shell /bin/sh "$name"
  chmod 755 "/home/$name" # what is secret must be so where homes are open, too
done

# A home of root's that nobody else may enter is covered by an empty one, in which what is needed is put back.
mkdir -m 700 "$folder/needed"
needed=
number=0
while [ "$1" != -- ]; do
  number=$((number + 1))
  mkdir "$folder/needed/$number"
  mount --bind "$1" "$folder/needed/$number"
  needed="$needed $1"
  shift
done
shift
for path in $needed; do
  above=
  for part in $(echo "${path%/*}" | tr / ' '); do
    above=$above/$part
    [ ! -d "$above" ] || [ -n "$(find "$above" -maxdepth 0 -perm -o=x)" ] || mount -t tmpfs -o mode=755 none "$above"
  done
done
number=0
for path in $needed; do
  number=$((number + 1))
  mkdir -p "$path"
  mount --bind "$folder/needed/$number" "$path"
done
exec "$@"
