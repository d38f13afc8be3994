import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { CutoverError, errnoOf, ExitCode, fileError } from '../base/errors.ts';
import { type Command, exec, runAttached } from '../base/exec.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { findLog, type LogOf, logPath } from '../report/log-file.ts';
import type { Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { requireOneDocument, watcherSignal, watcherSignals } from './signals.ts';
import { targetFirst } from './target-first.ts';

interface LogFlags {
  follow?: boolean;
  unit?: boolean;
}

const timeoutMs = 60_000;

export const run: Run<LogFlags> = async (words, options, terminal) => {
  const [name, id] = targetFirst(words);
  requireOneDocument(options, '--follow', options.follow);
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const { unit } = target;
  const found = options.unit ? null : await runOf(config, target, id);
  const log = { directory: config.logs, unit, run: found ?? '' };
  const path = found === null ? null : await pathOf(log, { target: target.name, isFollowed: options.follow === true });
  const command = path === null ? journal(unit, config.manager === 'user', options) : show(path, options);
  return options.json ? printDocument(command, { run: found, path, unit }, terminal) : passOn(command);
};

/** The named run, or the last. One that was refused before its first step left a log and no more. @throws `usage` */
async function runOf(config: Config, target: TargetConfig, id: string | undefined): Promise<string> {
  if (id !== undefined && findLog({ directory: config.logs, unit: target.unit, run: id }) !== null) return id;
  return (await report(pathsOf(config, target), id)).run ?? '';
}

/** A run that has only just begun may have no log yet: its name is followed. @throws `permission`, `refused` without a log */
async function pathOf(log: LogOf, { target, isFollowed }: { target: string; isFollowed: boolean }): Promise<string> {
  const path = findLog(log) ?? logPath(log);
  await access(path, constants.R_OK).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw fileError(error, 'cannot read', path);
    if (!isFollowed) throw withoutLog(path, log.run, target);
  });
  return path;
}

/** A run is known for longer than its log is kept. */
function withoutLog(path: string, run: string, target: string): CutoverError {
  const mend = `cutover report ${target} ${run}; what the service says: cutover logs ${target} --unit`;
  return new CutoverError('refused', `there is no ${path} any more`, { mend });
}

async function printDocument(
  command: Command,
  about: { run: string | null; path: string | null; unit: string },
  terminal: Terminal,
): Promise<number> {
  const { code, stdout, stderr } = await exec(command, { timeoutMs, signal: watcherSignal() });
  terminal.complain(stderr);
  terminal.print(JSON.stringify({ ...about, lines: stdout.split('\n') }));
  return code === 0 ? ExitCode.done : ExitCode.refused;
}

/** The program writes for itself, and so sees by itself when nobody reads any more, even while it has nothing to write. */
async function passOn(command: Command): Promise<number> {
  const signal = watcherSignal();
  const { code, endedBy } = await runAttached(command, signal);
  // Ctrl-C goes to the whole group: the program may be gone before we hear of it.
  if (signal.aborted || (endedBy && watcherSignals.includes(endedBy))) return ExitCode.interrupted;
  return code === 0 || endedBy === 'SIGPIPE' ? ExitCode.done : ExitCode.refused;
}

/** tail(1) and journalctl(1) know how to follow a file that grows, is rotated, or ends. */
function show(path: string, { follow }: LogFlags): Command {
  return follow ? diesWithUs('tail', '-n', '+1', '-F', path) : ['cat', path];
}

function journal(unit: string, isUser: boolean, { follow }: LogFlags): Command {
  const which = isUser ? `--user-unit=${unit}` : `--unit=${unit}`;
  return follow
    ? diesWithUs('journalctl', '--no-pager', '--lines=50', '--follow', which)
    : ['journalctl', '--no-pager', '--lines=200', which];
}

/** Whatever ends this process, SIGKILL too: the kernel then ends what would go on without it (prctl(2), PR_SET_PDEATHSIG). */
function diesWithUs(...command: Command): Command {
  return ['setpriv', '--pdeathsig', 'SIGTERM', '--', ...command];
}
