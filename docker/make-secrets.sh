#!/bin/sh
# Makes each secret that is missing, once for the life of its volume. Whoever mounts a volume may read what is in it.
set -eu

make() { # FILE
  [ -s "$1" ] && return
  # Hex: no line end in the middle, nothing that a URL would have to escape. Complete before it has its name.
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "made $1"
}

make /secrets/auth/jwt-secret
make /secrets/postgres/password
