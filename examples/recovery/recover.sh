#!/bin/sh
# One recovery, with what a CI job keeps of it: report.json, progress.txt, and issue.md when too few came back.
#   recover.sh full | status | only backend,mcp
# ON is put before the command, as "ssh deploy@server sudo"; REPORTS is the folder to write to. Exits as cutover does:
# 0 enough services are healthy, 3 they are not.
set -u
here=$(cd "$(dirname "$0")" && pwd)
reports=${REPORTS:-reports}
mkdir -p "$reports"

case ${1:-} in
  full) set -- ;;
  status) set -- --status-only ;;
  only)
    [ -n "${2:-}" ] || { echo 'recover.sh only: which services? Such as: recover.sh only backend,mcp' >&2; exit 64; }
    set -- "--only=$2"
    ;;
  *) echo 'usage: recover.sh full | status | only NAMES' >&2; exit 64 ;;
esac

# The words of ON are words of the command.
# shellcheck disable=SC2086
${ON:-} cutover recover --json "$@" >"$reports/report.json" 2>"$reports/progress.txt"
code=$?
cat "$reports/progress.txt" >&2
[ $code -eq 0 ] || node "$here/issue.mjs" "$reports/report.json" >"$reports/issue.md"
exit $code
