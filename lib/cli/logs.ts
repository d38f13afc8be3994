import { CutoverError, ExitCode } from '../base/errors.ts';
import { type Command, exec, start } from '../base/exec.ts';
import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { logPath } from '../report/log-file.ts';
import type { Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

interface LogFlags {
  follow?: boolean;
  unit?: boolean;
}

const timeoutMs = 60_000;

export const run: Run<LogFlags> = async ([name, id], options, terminal) => {
  if (options.json && options.follow) {
    throw new CutoverError('usage', '--json prints one document, and --follow has no end', {
      mend: 'leave one of them out',
    });
  }
  const config = await configFor(options, terminal);
  const target = targetNamed(config, name);
  const { unit } = target;
  const found = options.unit ? null : ((await report(pathsOf(config, target), id)).run ?? '');
  const path = found === null ? null : logPath({ directory: config.logs, unit, run: found });
  const command = path === null ? journal(unit, config.manager === 'user', options) : show(path, options);
  return options.json ? printDocument(command, { run: found, path, unit }, terminal) : passOn(command, terminal);
};

async function printDocument(
  command: Command,
  about: { run: string | null; path: string | null; unit: string },
  terminal: Terminal,
): Promise<number> {
  const { code, stdout, stderr } = await exec(command, { timeoutMs, signal: interruptSignal() });
  terminal.complain(stderr);
  terminal.print(JSON.stringify({ ...about, lines: stdout.split('\n') }));
  return code === 0 ? ExitCode.done : ExitCode.refused;
}

async function passOn(command: Command, terminal: Terminal): Promise<number> {
  const child = await start(command, { signal: interruptSignal() });
  child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.tell(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => terminal.complain(text));
  const { code } = await child.ended;
  return code === 0 ? ExitCode.done : ExitCode.refused;
}

/** tail(1) and journalctl(1) know how to follow a file that grows, is rotated, or ends. */
function show(path: string, { follow }: LogFlags): Command {
  return follow ? ['tail', '-n', '+1', '-F', path] : ['cat', path];
}

function journal(unit: string, isUser: boolean, { follow }: LogFlags): Command {
  const which = isUser ? `--user-unit=${unit}` : `--unit=${unit}`;
  return follow
    ? ['journalctl', '--no-pager', '--lines=50', '--follow', which]
    : ['journalctl', '--no-pager', '--lines=200', which];
}
