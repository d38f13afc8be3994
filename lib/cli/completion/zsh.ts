const completer = `_cutover() {
  local program=cutover tab=$'\\t' typed=\${(Q)words[1]} line value beside
  local -a lines offered
  # By its full name: that very program. Never one of the working directory.
  [[ $typed == /* ]] && program=\${typed:h}/cutover
  lines=("\${(@f)$(command $program complete words -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  beside=\${lines[1]%%$tab*}
  for line in "\${(@)lines[2,-1]}"; do
    value=\${\${\${line%%$tab*}//\\\\/\\\\\\\\}//:/\\\\:}
    [[ $line == *$tab* ]] && value+=":\${line#*$tab}"
    offered+=("$value")
  done
  local found=1
  (( $#offered )) && _describe -V -t words cutover offered && found=0
  if [[ $beside == files || $beside == directories ]]; then
    compset -P '--*='
    if [[ $beside == files ]]; then _files && found=0; else _files -/ && found=0; fi
  fi
  return found
}`;

/** A function for the folders of \`fpath\`, which may also be sourced. */
export function zshScript(tools: readonly string[]): string {
  return `#compdef ${tools.join(' ')}
#
# For this shell: source <(cutover completion zsh)
# For everybody:  cutover completion zsh > /usr/share/zsh/site-functions/_cutover

${completer}

# Loaded from a folder of fpath it is to complete; sourced it is to be known.
if [[ \${funcstack[1]} == _cutover ]]; then
  _cutover "$@"
else
  compdef _cutover ${tools.join(' ')}
fi
`;
}
