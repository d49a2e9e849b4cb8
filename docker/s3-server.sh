#!/bin/sh
# Runs the object store with the credentials of the router. A bucket is a folder in /data.
set -eu

credential() { # NAME
  sed -n "s/^$1 = //p" /run/secrets/s3/credentials
}

ROOT_ACCESS_KEY=$(credential aws_access_key_id)
ROOT_SECRET_KEY=$(credential aws_secret_access_key)
export ROOT_ACCESS_KEY ROOT_SECRET_KEY

mkdir -p /data/ride
exec versitygw --port :7070 --health /health posix /data
