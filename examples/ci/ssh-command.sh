#!/bin/sh
# The only command of a key that CI holds. In authorized_keys, on one line:
#   command="/usr/local/sbin/cutover-ssh-command production staging",restrict ssh-ed25519 AAAA… ci
# It runs nothing but these, for the targets that it is given as its own arguments:
#   deploy TARGET [BUILD], recover [TARGET…], status TARGET, history TARGET, report TARGET [RUN], logs TARGET [RUN], with
#   the options below, with or without the word cutover before them; and restart-receiver.
# Of the client it reads one variable, takes it apart by itself, and never gives it to a shell.
set -uf

main() {
  allowed=" $* "
  [ $# -gt 0 ] || refuse 'it is given no target in authorized_keys'
  asked=${SSH_ORIGINAL_COMMAND-}
  [ "${#asked}" -le 1000 ] || refuse 'it is too long'
  case $asked in
    *[!A-Za-z0-9\ ._=,-]*) refuse 'it has a character that no command of these needs' ;;
  esac
  IFS=' '
  # Words are all that is left in it.
  # shellcheck disable=SC2086
  set -- $asked
  case "${1-} ${2-}" in
    'sudo -n') shift 2 ;;
    sudo\ *) shift ;;
  esac
  case "$*" in
    restart-receiver | 'systemctl restart cutover-serve.service') exec systemctl restart cutover-serve.service ;;
  esac
  [ "${1-}" != cutover ] || shift
  command=${1-}
  [ $# = 0 ] || shift
  check_words "$@"
  # Without names it would be all targets of the machine.
  # shellcheck disable=SC2086
  if [ "$command" = recover ] && [ "$names" = 0 ]; then set -- "$@" $allowed; fi
  exec cutover "$command" "$@"
}

# check_words WORD…: the first name is a target, for recover all of them are.
check_words() {
  names=0
  for word; do
    case $word in
      -*) check_option "$word" ;;
      *) names=$((names + 1)); check_name "$word" ;;
    esac
  done
  case $command,$names in
    recover,* | deploy,[12] | report,[12] | logs,[12] | status,1 | history,1) ;;
    deploy,* | report,* | logs,* | status,* | history,*) refuse 'one target has to be named' ;;
    *) refuse 'it is none of the commands that this key is for' ;;
  esac
}

check_name() {
  if [ "$command" = recover ] || [ "$names" = 1 ]; then check_target "$1"; fi
  case $1 in
    [!A-Za-z0-9]*) refuse "$1 is the name of nothing here" ;;
  esac
}

check_target() {
  case $1 in
    '' | -*) refuse 'a target has no name' ;;
  esac
  case $allowed in
    *" $1 "*) ;;
    *) refuse "this key is not for the target $1" ;;
  esac
}

check_option() {
  case $command,$1 in
    *,--json | *,--quiet | *,--verbose | *,--no-color) ;;
    deploy,--wait | deploy,--wait=* | history,--limit=* | recover,--status-only | logs,--unit) ;;
    recover,--only=*)
      IFS=,
      for one in ${1#--only=}; do check_target "$one"; names=$((names + 1)); done
      IFS=' '
      ;;
    *) refuse "the option $1 is not for this key" ;;
  esac
}

refuse() {
  echo "cutover-ssh-command: refused: $1" >&2
  exit 77
}

main "$@"
