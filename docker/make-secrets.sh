#!/bin/sh
# Creates missing secrets in their volumes. Every container that mounts a volume can read its secret.
set -eu

make() { # FILE
  [ -s "$1" ] && return
  # Hexadecimal: needs no escaping in a URL. Renamed when complete, so that no reader sees a part of it.
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "created $1"
}

make /secrets/auth/jwt-secret
make /secrets/postgres/password
