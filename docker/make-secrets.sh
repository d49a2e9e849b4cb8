#!/bin/sh
# Creates each missing secret; it is kept as long as its volume. Containers that mount the volume can read it.
set -eu

make() { # FILE
  [ -s "$1" ] && return
  # Hex: no line breaks, no characters that need escaping in a URL. Renamed when complete.
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "made $1"
}

make /secrets/auth/jwt-secret
make /secrets/postgres/password
