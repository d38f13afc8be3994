import { join } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import type { Command } from '../../../base/exec.ts';
import { shellLine, shellWord } from '../../../base/shell-words.ts';
import type { PlannedFile } from '../files.ts';

/** By this line a hook is known for ours, and may be written anew. */
const mark = '# Written by cutover init --git; repeat that command to change it.';
/** The name under which ours calls a hook that was there before. */
const ownName = 'post-receive.own';

/**
 * The hook that a push runs. In a session of its own: Ctrl-C at the push, which reaches the whole group of a local one, ends
 * neither the run nor what it has started.
 * @param hooks the directory of the hooks
 * @param command cutover, named in full; git knows neither our PATH nor our directory
 */
export function hookFile(hooks: string, command: Command): PlannedFile {
  const path = join(hooks, 'post-receive');
  const line = shellLine(['setsid', '--wait', ...command]);
  return {
    path,
    text: `#!/bin/sh
${mark}
# A push to a branch that a target is bound to deploys it there (targets.NAME.branch).
lines=$(cat)
own=$(dirname "$0")/${ownName}
[ ! -x "$own" ] || printf '%s\\n' "$lines" | "$own"
trap '' INT HUP
printf '%s\\n' "$lines" | ${line}
`,
    mode: 0o755,
    refuse: async (existing) => (existing.includes(mark) ? null : foreignHook(path, { line, hooks })),
  };
}

function foreignHook(path: string, { line, hooks }: { line: string; hooks: string }): CutoverError {
  const [from, to] = [shellWord(path), shellWord(join(hooks, ownName))];
  return new CutoverError('refused', `${path} is there already, and cutover did not write it; nothing was written`, {
    mend: [
      `mv ${from} ${to}     (and repeat: the hook of cutover then runs it first, with the same input)`,
      'or leave it, and give the lines that it reads from git to this:',
      `  ${line}`,
    ].join('\n     '),
  });
}
