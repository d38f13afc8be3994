#!/bin/sh
# For CI: deploys by webhook while the receiver is well, over SSH otherwise; and brings services back.
#   deploy.sh TARGET
#   deploy.sh --recover full | status | only NAMES
#   deploy.sh --gitlab-issue
# README.md tells what it reads from the environment. It keeps what it gets in $REPORTS (default: reports). It exits as
# cutover does: 0 done, 1 refused, 2 no usable build, 3 a person is needed, 4 gone back …; and 69 when no way led there.
set -uf
umask 077

# Before any program is started: what comes as a variable is passed on to none of them.
given_secret=${CUTOVER_SECRET:-} given_token=${CUTOVER_TOKEN:-} given_key=${CUTOVER_SSH_KEY:-} issue_token=${ISSUE_TOKEN:-}
unset CUTOVER_SECRET CUTOVER_TOKEN CUTOVER_SSH_KEY ISSUE_TOKEN

here=$(cd "$(dirname "$0")" && pwd) || exit 69
# shellcheck source=parts/webhook.sh
. "$here/parts/webhook.sh"
# shellcheck source=parts/ssh.sh
. "$here/parts/ssh.sh"
# shellcheck source=parts/recovery.sh
. "$here/parts/recovery.sh"

url=${CUTOVER_URL:-}
url=${url%/}
branch=${CUTOVER_BRANCH:-}
revision=${CUTOVER_REVISION:-}
reports=${REPORTS:-reports}
# How often it is looked whether a deploy is over, and the seconds before the second look; each later one waits twice as
# long, up to thirty times as long.
attempts=${CUTOVER_ATTEMPTS:-15}
webhook_wait=${CUTOVER_WEBHOOK_WAIT:-2}
ssh_wait=${CUTOVER_SSH_WAIT:-5}
# Seconds for one answer of the receiver, and for one deploy over SSH.
answer_time=${CUTOVER_ANSWER_TIME:-10}
deadline=${CUTOVER_DEADLINE:-3600}

target='' way='' why='' wants_restart=no child=''
# Of a request that may have been taken: its id where it is known. No run of it is older than `since`.
sent=no id='' since=''

main() {
  mkdir -p "$reports" || exit 69
  [ "${1:-}" != --recover ] || expect_issue "${2:-}"
  tmp=$(mktemp -d) || exit 69
  trap 'rm -rf "$tmp"' EXIT
  trap interrupted HUP INT TERM
  for program in curl jq ssh timeout sha256sum od; do
    command -v "$program" >/dev/null || finish 69 "this machine lacks $program"
  done
  # It is given the secret.
  case $(command -v printf) in */*) finish 69 'this shell has no printf of its own' ;; esac
  take_secrets
  case ${1:-} in
    --recover) shift; recover "$@" ;;
    --gitlab-issue) open_gitlab_issue ;;
    '' | -* | *[!A-Za-z0-9._-]*) usage ;;
    *) target=$1; deploy ;;
  esac
}

usage() {
  echo 'usage: deploy.sh TARGET | --recover full|status|only NAMES | --gitlab-issue' >&2
  exit 64
}

# Called by the trap.
# shellcheck disable=SC2317
interrupted() {
  [ -z "$child" ] || kill "$child" 2>/dev/null
  say 'interrupted; what has begun on the server goes on'
  exit 130
}

say() {
  printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" | tee -a "$reports/progress.txt"
}

# The end, whichever way led to it.
finish() {
  [ "$wants_restart" = no ] || restart_receiver
  say "$2 (exit $1${way:+, way: $way})"
  exit "$1"
}

deploy() {
  rm -f "$reports/cutover-report.json"
  say "deploy of $target${branch:+, branch $branch}${revision:+, revision $revision}"
  if [ -z "$url" ]; then why='no receiver is set (CUTOVER_URL)'
  elif [ -z "$secret_file" ]; then why='no secret of the receiver is set (CUTOVER_SECRET)'
  elif is_well; then
    way=webhook since=$(newest_before)
    say 'way: webhook, because the receiver is well'
    send_request && follow_request
  elif is_down "$status"; then wants_restart=yes
  fi
  way=${way:+webhook, then }ssh
  say "way: ssh, because $why"
  [ "$sent" = no ] || see_what_became
  deploy_over_ssh
}

# A deploy that is over; its document is in out.
end_of_deploy() {
  cp "$tmp/out" "$reports/cutover-report.json"
  finish "$1" "$(jq -r 'if .error then .error.message elif .failure then "\(.outcome): \(.failure.message)"
    else "\(.outcome): \(.active // "nothing") serves" end' "$tmp/out" 2>/dev/null || echo 'there is no document')"
}

# Waits for the next look, longer each time: first `wait` seconds, and thirty times as many as its argument at most.
wait_for_look() {
  nap "$wait"
  look=$((look + 1)) wait=$((wait * 2))
  [ "$wait" -le $(($1 * 30)) ] || wait=$(($1 * 30))
}

nap() {
  sleep "$1" &
  child=$!
  await_child
}

# What takes long is in the background, so that a job that is called off ends at once.
await_child() {
  wait "$child"
  set -- $?
  child=''
  return "$1"
}

# Each of them is a file, or a variable.
take_secrets() {
  secret_file=${CUTOVER_SECRET_FILE:-} token_file=${CUTOVER_TOKEN_FILE:-} hosts_file=${CUTOVER_KNOWN_HOSTS_FILE:-}
  keep "$given_secret" secret && secret_file=$tmp/secret
  keep "$given_token" token && token_file=$tmp/token
  keep "${CUTOVER_KNOWN_HOSTS:-}" known_hosts && hosts_file=$tmp/known_hosts
  for file in "$secret_file" "$token_file" "$hosts_file" "${CUTOVER_SSH_KEY_FILE:-}"; do
    [ -z "$file" ] || { [ -r "$file" ] && [ -s "$file" ]; } || finish 78 "there is nothing to read in $file"
  done
  # ssh takes no key that others may read, or that lacks its last end of line: CI systems make such files.
  keep "$given_key" key || [ -z "${CUTOVER_SSH_KEY_FILE:-}" ] || keep "$(cat "$CUTOVER_SSH_KEY_FILE")" key
  write_ssh_config "${CUTOVER_SSH:-}" >"$tmp/ssh_config"
}

keep() {
  [ -n "$1" ] && printf '%s\n' "$1" | tr -d '\r' >"$tmp/$2"
}

main "$@"
