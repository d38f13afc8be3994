# shellcheck shell=sh
# The way by webhook; part of deploy.sh.

# ask PATH [options of curl]: the answer's body in body, its headers in head; prints its status, 000 when there is none.
ask() {
  path=$1
  shift
  : >"$tmp/body"
  : >"$tmp/head"
  curl --silent --show-error --max-time "$answer_time" --output "$tmp/body" --dump-header "$tmp/head" \
    --write-out '%{http_code}' "$@" "$url$path" 2>"$tmp/err"
}

# A field of the last answer; nothing when the answer has none, or is no JSON.
field() {
  jq -r "$1 // empty" "$tmp/body" 2>/dev/null
}

complaint() {
  case $1 in
    000) echo "the receiver does not answer: $(head -n 1 "$tmp/err")" ;;
    *)
      said=$(field '.error.message // (.problems | join("; "))')
      echo "the receiver answers $1: ${said:-nothing that a receiver says; see what is set at $url}"
      ;;
  esac
}

is_well() {
  for attempt in 1 2 3; do
    status=$(ask /health)
    if [ "$status" = 200 ] && [ "$(field .status)" = ok ]; then return 0; fi
    why=$(complaint "$status")
    say "health, attempt $attempt of 3: $why"
    is_down "$status" || return 1
    [ "$attempt" = 3 ] || nap "$webhook_wait"
  done
  return 1
}

# A restart mends what does not answer, or says itself that it is not well; nothing that is set wrong.
is_down() {
  case $1 in
    000 | 5??) ;;
    *) return 1 ;;
  esac
}

# What the names of all runs that begin after that answer are greater than: the server's clock, as they begin with it, and
# the name of the last run, which may be of the same second.
newest_before() {
  {
    sed -n 's/^[Dd]ate: *\(.*GMT\).*/\1/p' "$tmp/head" |
      jq -R 'strptime("%a, %d %b %Y %H:%M:%S GMT") | strftime("%Y%m%d-%H%M%S")'
    jq --arg target "$target" '.last_run | select(.) | select(.target == $target) | .run' "$tmp/body"
  } | jq -rs 'map(select(.)) | max // ""'
}

# Sends the request, if need be again: one X-Delivery is taken only once. 1: it was not taken, or nobody knows.
send_request() {
  delivery=${delivery:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
  jq -nc --arg branch "$branch" --arg revision "$revision" \
    '{branch: $branch, revision: $revision} | with_entries(select(.value != ""))' >"$tmp/payload"
  for attempt in 1 2 3; do
    write_headers >"$tmp/headers"
    status=$(ask "/hooks/plain/$target" --header "@$tmp/headers" --data-binary "@$tmp/payload")
    [ "$status" != 202 ] || { take_answer; return; }
    why=$(complaint "$status")
    # It may have come through for all that.
    if is_down "$status"; then sent=yes wants_restart=yes
    elif [ "$status" != 429 ]; then return 1
    fi
    say "request, attempt $attempt of 3: $why"
    [ "$attempt" = 3 ] || nap "$(pause)"
  done
  return 1
}

# As long as the receiver asks for, within reason.
pause() {
  asked=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,4\}\).*/\1/p' "$tmp/head")
  if [ "${asked:-0}" -gt 30 ]; then echo 30; else echo "${asked:-$webhook_wait}"; fi
}

write_headers() {
  now=$(date +%s)
  { printf '%s.' "$now"; cat "$tmp/payload"; } >"$tmp/signed"
  printf '%s\n' 'Content-Type: application/json' "X-Timestamp: $now" "X-Delivery: $delivery"
  echo "X-Signature-256: sha256=$(signature_of "$tmp/signed")"
}

# HMAC-SHA256 (RFC 2104) by means of the shell: the programs that do it want the secret among their arguments, where all
# users of the machine can read it.
signature_of() {
  key=$(hex_of_secret)
  [ "${#key}" -le 128 ] || key=$(printf '%s' "$(cat "$secret_file")" | sha256sum | cut -c 1-64)
  inner=$({ bytes "$key" 54 64; cat "$1"; } | sha256sum | cut -c 1-64)
  { bytes "$key" 92 64; bytes "$inner" 0 32; } | sha256sum | cut -c 1-64
}

hex_of_secret() {
  printf '%s' "$(cat "$secret_file")" | od -An -v -tx1 | tr -d ' \n'
}

# bytes HEX MASK COUNT: so many bytes, zeros at the end, each combined with the mask.
bytes() {
  rest=$1 count=$3
  while [ "$count" -gt 0 ]; do
    byte=${rest%"${rest#??}"}
    value=$((0x${byte:-0} ^ $2))
    # The format is the byte itself.
    # shellcheck disable=SC2059
    printf "\\$((value / 64))$((value / 8 % 8))$((value % 8))"
    rest=${rest#??} count=$((count - 1))
  done
}

take_answer() {
  id=$(field .id)
  case $(field .status),$id in
    ignored,*) finish 78 "the receiver ignores this request: $(field .reason)" ;;
    *, | *,*[!A-Za-z0-9._-]*) ;;
    # A request that was sent again may be further by now.
    queued,* | running,* | done,* | superseded,*)
      sent=yes
      say "the request is taken: $url/runs/$id"
      return 0
      ;;
  esac
  id='' why='what answers is no receiver of cutover'
  return 1
}

# Looks until the request is over, which is the end. 1: nobody is there to be asked, or the receiver could not carry it out.
follow_request() {
  look=1 wait=$webhook_wait
  while [ "$look" -le "$attempts" ]; do
    ask_for_run || return 1
    state=$(field .state)
    say "look $look of $attempts: $state $(field '.outcome // .step')"
    case $state in
      done) end_of_request; return 1 ;;
      superseded) follow_newer_request || return 1 ;;
    esac
    wait_for_look "$webhook_wait"
  done
  finish 75 "it goes on after $attempts looks; to see more: cutover status $target"
}

# Three chances: a receiver that has just been restarted is back in a moment.
ask_for_run() {
  [ -z "$token_file" ] || printf 'Authorization: Bearer %s\n' "$(cat "$token_file")" >"$tmp/authorization"
  for attempt in 1 2 3; do
    if [ -z "$token_file" ]; then status=$(ask "/runs/$id")
    else status=$(ask "/runs/$id" --header "@$tmp/authorization"); fi
    [ "$status" != 200 ] || return 0
    why=$(complaint "$status")
    [ "$status" != 401 ] || why="$why (CUTOVER_TOKEN)"
    is_down "$status" || [ "$status" = 429 ] || return 1
    say "no look, attempt $attempt of 3: $why"
    [ "$attempt" = 3 ] || nap "$webhook_wait"
  done
  ! is_down "$status" || wants_restart=yes
  return 1
}

# The newest of those that wait is the one that is carried out: what it deploys has this job's revision in it.
follow_newer_request() {
  newer=$(field .superseded_by)
  say "a newer request took the place of this one: ${newer:-none that is known}"
  case $newer in
    '' | *[!A-Za-z0-9._-]*) why='the request was given up for another'; return 1 ;;
  esac
  id=$newer
}

# Returns when the deploy came to no end of its own: the receiver could not begin it, or its process was killed early.
end_of_request() {
  jq '.document // .' "$tmp/body" >"$tmp/out"
  code=$(jq -r '.exit_code // empty' "$tmp/out")
  [ -z "$(field .document.outcome)" ] || end_of_deploy "$code"
  case $code in
    1 | 2 | 4 | 64 | 75 | 78) end_of_deploy "$code" ;;
  esac
  why="the receiver did not deploy: $(field .error.message)"
  wants_restart=yes
}
