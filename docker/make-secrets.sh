#!/bin/sh
# Creates missing secrets in their volumes. Every container that mounts a volume can read its secret.
set -eu

# Hexadecimal: needs no escaping in a URL.
random() {
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

make() { # FILE COMMAND
  [ -s "$1" ] && return
  # Renamed when complete, so that no reader sees a part of it.
  "$2" >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "created $1"
}

# In the format of the AWS SDK's credentials file.
s3_credentials() {
  printf '[default]\naws_access_key_id = hailstream\naws_secret_access_key = %s\n' "$(random)"
}

make /secrets/auth/jwt-secret random
make /secrets/postgres/password random
make /secrets/s3/credentials s3_credentials
