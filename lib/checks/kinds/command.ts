import { join } from 'node:path';
import { shellLine } from '../../base/shell-words.ts';
import { runUserCommand } from '../../base/user-command.ts';
import type { CommandOptions } from '../../config/check-options.ts';
import { type CommandContext, commandEnvironment } from '../../config/command-environment.ts';
import { fail, pass } from '../check.ts';
import { shortened } from './excerpt.ts';
import type { Kind } from './kind.ts';

/** B4, P9: a command of the user's own exits with 0; its last line is what was observed. */
export const commandKind: Kind<CommandOptions> = {
  async ask({ run, timeoutMs, dir, user }, { context, signal }) {
    const where = dir ?? buildDir(context);
    const env = commandEnvironment(context);
    const result = await runUserCommand(run, { user, dir: where, env, timeoutMs, signal });
    const { code, signal: endedBy, isTimeout, lastLines, answer } = result;
    const said = shortened(lastLines.findLast((line) => line.trim() !== '') ?? '');
    if (code === 0) return pass(shortened(answer ?? said) || 'exited with 0', 'exit 0');
    const end = isTimeout ? `no end within ${timeoutMs / 1000} s` : (endedBy ?? `exit ${code}`);
    return fail(said === '' ? end : `${end}: ${said}`, 'exit 0', typed(run, { where, user }));
  },
};

/** The build in question; without one, where builds are. */
function buildDir({ target, build, current }: CommandContext): string {
  return join(target.builds, build ?? current ?? '');
}

/** What a person types to see it for themselves. */
function typed(run: CommandOptions['run'], { where, user }: { where: string; user: string | null }): string {
  const line = 'shell' in run ? run.shell : shellLine(run.command);
  const inside = `cd ${shellLine([where])} && ${line}`;
  return user === null ? inside : shellLine(['runuser', '-u', user, '--', 'sh', '-c', inside]);
}
