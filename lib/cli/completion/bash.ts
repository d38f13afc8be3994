const completer = `_cutover() {
  local program=cutover beside typed kept word
  local -a lines
  # By its full name: that very program. Never one of the working directory.
  [[ $1 == /* ]] && program=\${1%/*}/cutover
  mapfile -t lines < <(command "$program" complete line -- "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
  COMPREPLY=()
  beside=\${lines[0]%%$'\\t'*}
  typed=\${lines[0]#*$'\\t'}
  # What of the word stands before the last "=", ":" or "@" bash does not replace.
  kept=\${typed%"$2"}
  for word in "\${lines[@]:1}"; do
    word=\${word%%$'\\t'*}
    word=\${word#"$kept"}
    [[ $word == *[^A-Za-z0-9.,:=@/_+-]* && \${COMP_WORDS[COMP_CWORD]} != [\\"\\']* ]] && printf -v word %q "$word"
    COMPREPLY+=("$word")
  done
  case $beside in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
  esac 2>/dev/null
  compopt -o nosort 2>/dev/null
  return 0
}`;

/** For bash 4 and newer. */
export function bashScript(tools: readonly string[]): string {
  return `# bash completion for ${tools.join(', ')}
#
# For this shell: source <(cutover completion bash)
# For everybody:  cutover completion bash > /etc/bash_completion.d/cutover

${completer}

complete -F _cutover ${tools.join(' ')}
`;
}
