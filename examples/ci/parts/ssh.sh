# shellcheck shell=sh
# The way over SSH; part of deploy.sh.

prefix=${CUTOVER_PREFIX:+$CUTOVER_PREFIX }
restart='systemctl restart cutover-serve.service'

write_ssh_config() {
  echo 'Host server'
  echo "HostName ${1#*@}"
  case $1 in *@*) echo "User ${1%%@*}" ;; esac
  echo "Port ${CUTOVER_SSH_PORT:-22}"
  [ -z "$hosts_file" ] || echo "UserKnownHostsFile \"$hosts_file\""
  [ ! -e "$tmp/key" ] || printf 'IdentityFile "%s"\nIdentitiesOnly yes\n' "$tmp/key"
  printf '%s\n' 'BatchMode yes' 'StrictHostKeyChecking yes' 'LogLevel ERROR' 'ConnectTimeout 10'
  printf '%s\n' 'ServerAliveInterval 15' 'ServerAliveCountMax 4' 'ForwardAgent no'
}

# on_server SECONDS COMMAND: what it prints comes into out. 255 and 124: the connection was not made, or lost.
on_server() {
  seconds=$1
  shift
  timeout "$seconds" ssh -n -F "$tmp/ssh_config" server "$prefix$*" >"$tmp/out" &
  child=$!
  await_child
}

# ask_server SECONDS COMMAND: the same for what may be done twice, with three chances.
ask_server() {
  if [ -z "${CUTOVER_SSH:-}" ]; then
    echo 'no server is set (CUTOVER_SSH)' >"$tmp/err"
    return 255
  fi
  for attempt in 1 2 3; do
    on_server "$@" 2>"$tmp/err"
    code=$?
    is_lost "$code" || return "$code"
    say "ssh, attempt $attempt of 3: $(ssh_complaint)"
    [ "$attempt" = 3 ] || nap "$ssh_wait"
  done
  return 255
}

is_lost() {
  [ "$1" = 255 ] || [ "$1" = 124 ]
}

# The last line that was said, but for where systemctl says that there is more.
ssh_complaint() {
  said=$(tr -d '\r' <"$tmp/err" | grep -v '^See ' | sed -n '/./h; $ { g; s/^ssh: //; p; }')
  echo "${said:-no answer in time}"
}

# What cutover says over there; without a connection this is the end, and so it is when cutover itself refuses to say.
must_ask() {
  ask_server 60 cutover "$@"
  code=$?
  ! is_lost "$code" || { wants_restart=no; finish 69 "no way is left: $why; ssh: $(ssh_complaint)$(unknown_end)"; }
  [ "$code" = 0 ] || { cat "$tmp/err" >&2; end_of_deploy "$code"; }
}

unknown_end() {
  [ "$sent" = no ] || echo '; the request may have been taken all the same'
}

# A request may be at work although its receiver is gone: what was begun is followed to its end, and nothing is begun twice.
see_what_became() {
  say 'the request may have been taken: first, what became of it'
  follow_begun_run
  if [ "$wants_restart" = yes ]; then
    # What it has queued is kept on its disk.
    restart_receiver
    ! is_well || { { [ -n "$id" ] || send_request; } && follow_request; }
  fi
  follow_begun_run
  say 'no deploy of it has begun'
}

# Looks for a deploy that began since then, and follows it to the end. Returns when there is none.
follow_begun_run() {
  for chance in 1 2 3; do
    find_run
    [ -z "$run" ] || follow_run
    [ "$chance" = 3 ] || nap "$ssh_wait"
  done
}

# The first deploy that began since then; the one that goes on is not in the history yet.
find_run() {
  must_ask history "$target" --limit=10 --json
  run=$(begun_since '.runs[] | select(.kind == "deploy") | .run')
  [ -z "$run" ] || return 0
  must_ask status "$target" --json
  run=$(begun_since '.targets[].in_flight | select(.) | .run')
  [ -z "$run" ] || must_ask report "$target" "$run" --json
  [ -z "$run" ] || jq -e '.kind == "deploy"' "$tmp/out" >/dev/null || run=''
}

# The oldest of those that begin after `since` in the order of their names, which is that of their times.
begun_since() {
  jq -r --arg since "$since" "[$1 | select(. > \$since) | select(test(\"^[0-9a-z-]+\$\"))] | min // empty" "$tmp/out"
}

follow_run() {
  look=1 wait=$ssh_wait
  while [ "$look" -le "$attempts" ]; do
    must_ask report "$target" "$run" --json
    if jq -e '.unfinished == null' "$tmp/out" >/dev/null; then
      say "run $run is over"
      end_of_deploy "$(jq .exit_code "$tmp/out")"
    fi
    say "look $look of $attempts over ssh: run $run, $(jq -r '.steps[-1].name // "it begins"' "$tmp/out")"
    wait_for_look "$ssh_wait"
  done
  finish 75 "run $run goes on after $attempts looks; to see more: cutover status $target"
}

deploy_over_ssh() {
  must_ask status "$target" --json
  since=$(jq -r '.targets[] | [.in_flight.run, .last_run.run, ""] | map(select(.)) | max' "$tmp/out")
  for connection in 1 2 3; do
    say "over ssh: cutover deploy $target"
    on_server "$deadline" cutover deploy "$target" --json --wait=10min
    code=$?
    is_lost "$code" || end_of_deploy "$code"
    say "connection $connection of 3 was lost; first, what became of the deploy"
    follow_begun_run
  done
  finish 69 'three connections were lost before a deploy began'
}

restart_receiver() {
  wants_restart=no
  if ask_server 60 "$restart"; then
    say 'the receiver was restarted'
  else
    say "the receiver could not be restarted: $(ssh_complaint)"
  fi
}
