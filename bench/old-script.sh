#!/bin/bash
# The kind of script that cutover replaces: checks, stop, wait in steps of 2 s until the port is free, link, start,
# up to 10 looks at the health 3 s apart, and the old link back when all of them failed.
set -u
unit=$1 builds=$2 archive=$3 build=$4 port=$5
log() { echo "[$(date '+%F %T')] $*"; }

is_listening() { ss --listening --tcp --numeric --no-header "sport = :$port" | grep --quiet .; }
is_healthy() {
  systemctl is-active --quiet "$unit" &&
    [ "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port/health")" = 200 ]
}

check_before() {
  systemctl is-active --quiet "$unit" || { log "$unit is not active"; return 1; }
  [ "$(df --output=pcent "$builds" | tail -1 | tr -dc 0-9)" -lt 95 ] || { log 'the disk is full'; return 1; }
  [ "$(free -m | awk '/^Mem:/ { print $7 }')" -gt 500 ] || { log 'too little memory'; return 1; }
  is_listening || { log "nobody listens on port $port"; return 1; }
}

stop_and_wait() {
  systemctl stop "$unit"
  for _ in $(seq 15); do
    sleep 2
    is_listening || return 0
  done
  log "port $port is still in use"
  return 1
}

wait_for_health() {
  for attempt in $(seq 10); do
    sleep 3
    if is_healthy; then return 0; fi
    log "health check $attempt of 10 failed"
  done
  return 1
}

switch_to() {
  stop_and_wait || return 1
  ln -sfn "$1" "$builds/current"
  systemctl reset-failed "$unit"
  systemctl start "$unit"
  wait_for_health
}

check_before || exit 1
mkdir "$builds/$build" && tar -xzf "$archive" -C "$builds/$build" || exit 2
old=$(readlink "$builds/current")
log "deploying $build over $old"
if switch_to "$build"; then
  log 'deployed'
  exit 0
fi
log "rolling back to $old"
if switch_to "$old"; then exit 4; else exit 3; fi
