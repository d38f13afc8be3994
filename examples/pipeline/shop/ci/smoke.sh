#!/bin/sh
# What the health page does not ask: that something is for sale, and that the database knows it.
set -eu
curl --fail --silent --max-time 5 "http://127.0.0.1:$CUTOVER_PORT/" | grep -q bread
psql --no-psqlrc --quiet --command 'SELECT good, pieces FROM orders LIMIT 1' > /dev/null
