# shellcheck shell=sh
# Brings services back over SSH; part of deploy.sh. It leaves recovery.json, report and logs of each service, and title and
# text of an issue when too few came back.

# Before anything can go wrong: whatever keeps a recovery from its end, there is an issue to open. Who only looks opens none.
expect_issue() {
  rm -f "$reports/recovery.json" "$reports/issue.md" "$reports/issue-title.txt"
  [ "${1:-}" != status ] || return 0
  echo 'Recovery failed: it came to no end' >"$reports/issue-title.txt"
  echo "The recovery came to no end of which it could tell: see what its job said. ${CUTOVER_JOB_URL:-}" >"$reports/issue.md"
}

drop_issue() {
  rm -f "$reports/issue.md" "$reports/issue-title.txt"
}

# Names are for "only": a form may hold some from the time before.
recover() {
  case ${1:-},${2:-} in
    full,*) set -- full; words='' ;;
    status,*) set -- status; words=' --status-only' ;;
    only, | only,*[!A-Za-z0-9._,-]*) usage ;;
    only,*) words=" --only=$2" ;;
    *) usage ;;
  esac
  say "recovery: $*"
  ask_server "$deadline" "cutover recover$words --json"
  result=$?
  cat "$tmp/err" >&2
  if is_lost "$result"; then
    result=69
    jq -n --arg message "no way led to the server: $(ssh_complaint)" '{error: {message: $message}}' >"$tmp/out"
  fi
  cp "$tmp/out" "$reports/recovery.json"
  [ "$result" = 69 ] || keep_reports
  if [ "$result" = 0 ]; then drop_issue
  elif [ "$1" != status ]; then write_issue
  fi
  finish "$result" "$(recovery_text)"
}

keep_reports() {
  for name in $(jq -r '.targets[]?.target | select(test("^[A-Za-z0-9._-]+$"))' "$reports/recovery.json"); do
    keep_answer "$name-report.json" "cutover report $name --json"
    keep_answer "$name.log" "cutover logs $name"
    keep_answer "$name-unit.log" "cutover logs $name --unit"
  done
}

keep_answer() {
  ask_server 60 "$2" || say "nothing is kept of \"$2\": $(ssh_complaint)"
  cp "$tmp/out" "$reports/$1"
}

# A server that refuses to begin says so on its stderr alone, and of nothing jq makes nothing.
recovery_text() {
  text=$(jq -r 'if .targets then "\(.healthy) of \(.total) services are healthy" else
    "the recovery did not begin: \(.error.message)" end' "$reports/recovery.json" 2>/dev/null)
  echo "${text:-the recovery did not begin: $(ssh_complaint)}"
}

write_issue() {
  echo "Recovery failed: $(recovery_text)" | cut -c 1-200 >"$reports/issue-title.txt"
  {
    echo "$(recovery_text). ${CUTOVER_JOB_URL:-}"
    jq -r '.targets[]? | select(.after.healthy | not) | "",
      "### \(.target): \(.after.state)",
      "Unit `\(.unit)`\(if .run then ", run `\(.run)`: `cutover report \(.target) \(.run)`" else "" end)",
      (.findings[] | "- found: \(.)"), (.actions[] | "- done: \(.)"),
      (.next | select(.) | "- **next: `\(.)`**")' "$reports/recovery.json"
  } >"$reports/issue.md" 2>/dev/null
}

# GitHub's runners have a program for this; here it is the interface of GitLab.
open_gitlab_issue() {
  [ -s "$reports/issue.md" ] || finish 0 'there is nothing to tell in an issue'
  printf 'PRIVATE-TOKEN: %s\n' "$issue_token" >"$tmp/token_header"
  curl --silent --show-error --fail --max-time 30 --header "@$tmp/token_header" --output "$tmp/out" \
    --data-urlencode "title@$reports/issue-title.txt" --data-urlencode "description@$reports/issue.md" \
    "${CI_API_V4_URL:-}/projects/${CI_PROJECT_ID:-}/issues" || finish 69 'the issue could not be opened'
  finish 0 "opened $(jq -r '.web_url // "an issue"' "$tmp/out")"
}
