#!/bin/bash
# The floor: the least that a deploy by hand does. Nothing is checked, nothing is taken back.
set -eu
unit=$1 builds=$2 archive=$3 build=$4 port=$5

mkdir "$builds/$build"
tar -xzf "$archive" -C "$builds/$build"
ln -s "$build" "$builds/current.new"
mv -T "$builds/current.new" "$builds/current"
systemctl restart "$unit"
give_up=$((SECONDS + 5))
until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health"; do
  if [ $SECONDS -ge $give_up ]; then exit 1; fi
  sleep 0.01
done
