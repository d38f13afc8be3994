#!/bin/bash
# The same work with cutover: unpack, deploy. The whole process counts, its start included.
set -eu
builds=$2 archive=$3 build=$4 target=$6

mkdir "$builds/$build"
tar -xzf "$archive" -C "$builds/$build"
exec node ${PEAK_FILE:+--require "$PEAK_SCRIPT"} /srv/cutover/bin/cutover.js deploy "$target" --quiet
