const completer = `function __cutover_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program cutover
    # By its full name: that very program. Never one of the working directory.
    string match -q '/*' -- $words[1]; and set program (string replace -r '[^/]*$' cutover -- $words[1])
    set -l bare (string unescape -- $typed; or string replace -r '^["\\']' '' -- $typed)
    set -l lines (command $program complete words -- $words "$bare" 2>/dev/null </dev/null)
    string join \\n -- $lines[2..-1]
    set -l before (string match -r '^--[^=]*=' -- $typed)
    set -l rest (string replace -r '^--[^=]*=' '' -- $typed)
    switch "$lines[1]"
        case 'files*'
            string replace -r '^' -- "$before" (__fish_complete_path "$rest")
        case 'directories*'
            string replace -r '^' -- "$before" (__fish_complete_directories "$rest" '')
    end
end`;

/** For fish 3 and newer. */
export function fishScript(tools: readonly string[]): string {
  const registered = tools.flatMap((tool) => [
    `complete -c ${tool} -e`,
    `complete -c ${tool} -f -k -a '(__cutover_complete)'`,
  ]);
  return `# fish completion for ${tools.join(', ')}
#
# For this shell: cutover completion fish | source
# For this user:  cutover completion fish > ~/.config/fish/completions/cutover.fish

${completer}

${registered.join('\n')}
`;
}
