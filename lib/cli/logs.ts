import { ExitCode } from '../base/errors.ts';
import { type Command, start } from '../base/exec.ts';
import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { logPath } from '../report/log-file.ts';
import type { Run } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

interface LogFlags {
  follow?: boolean;
  unit?: boolean;
}

export const run: Run<LogFlags> = async ([name, id], options, terminal) => {
  const config = await configFor(options, terminal);
  const target = targetNamed(config, name);
  const { unit } = target;
  const command = options.unit ? journal(unit, config.manager === 'user', options) : await logCommand();
  // tail(1) and journalctl(1) know how to follow a file that grows, is rotated, or ends.
  const child = await start(command, { signal: interruptSignal() });
  child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.tell(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => terminal.complain(text));
  const { code } = await child.ended;
  return code === 0 ? ExitCode.done : ExitCode.refused;

  async function logCommand(): Promise<Command> {
    const { run: found } = await report(pathsOf(config, target), id);
    const path = logPath({ directory: config.logs, unit, run: found ?? '' });
    return options.follow ? ['tail', '-n', '+1', '-F', path] : ['cat', path];
  }
};

function journal(unit: string, isUser: boolean, { follow }: LogFlags): Command {
  const which = isUser ? `--user-unit=${unit}` : `--unit=${unit}`;
  return follow
    ? ['journalctl', '--no-pager', '--lines=50', '--follow', which]
    : ['journalctl', '--no-pager', '--lines=200', which];
}
