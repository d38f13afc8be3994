#!/bin/sh
# One recovery, with what a CI job keeps of it: report.json, progress.txt, and issue.md when too few came back.
#   recover.sh full | status | only backend,mcp
# ON is put before the command, as "ssh deploy@server sudo"; REPORTS is the folder to write to. Exits as cutover does:
# 0 enough services are healthy, 3 they are not.
set -u
here=$(cd "$(dirname "$0")" && pwd)
reports=${REPORTS:-reports}
mkdir -p "$reports"
# Whatever keeps it from its end, there is something to open an issue with.
echo 'The recovery came to no end of which it could tell: see what its job said.' >"$reports/issue.md"

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
if [ $code -eq 0 ]; then rm "$reports/issue.md"
elif node "$here/issue.mjs" "$reports/report.json" >"$reports/issue.new"; then mv "$reports/issue.new" "$reports/issue.md"
fi
exit $code
