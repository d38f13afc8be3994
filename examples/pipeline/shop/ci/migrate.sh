#!/bin/sh
# Each file may be applied again. All of them, or none.
set -eu
cat migrations/*.sql | psql --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 --file -
