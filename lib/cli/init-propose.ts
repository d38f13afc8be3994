import { CutoverError, ExitCode } from '../base/errors.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/model.ts';
import { type Candidate, findCandidates } from '../deployer/init/candidates.ts';
import { unitDirectory } from '../deployer/init/places.ts';
import { columns } from '../report/text.ts';
import { openSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import type { Answers } from './init-ask.ts';
import { type InitFlags, requireNothingSaid } from './init-options.ts';

/**
 * Without a unit: looks which there are. On a terminal it asks, and what was answered is gone on with; elsewhere it tells
 * them, each with the command that sets it up.
 * @returns the answers; or the exit code where there is nothing to go on with
 * @throws `refused` where there is none
 */
export async function propose(
  options: InitFlags & GlobalOptions,
  terminal: Terminal,
): Promise<{ answers: Answers } | { exitCode: number }> {
  const surroundings = { env: terminal.env, cwd: terminal.cwd };
  const config = await configThere(options, terminal);
  const manager = options.user ? 'user' : (config?.manager ?? 'system');
  const systemd = await openSystemd(manager);
  const directory = unitDirectory(manager, surroundings);
  const candidates = await findCandidates({ systemd, manager, directory, config });
  const open = candidates.filter(({ target }) => target === null);
  if (candidates.length === 0) throw nothingFound(directory, manager === 'user');
  const { isatty } = await import('node:tty');
  const isAsking = !options.json && terminal.isLive && isatty(0) && open.length > 0;
  if (!isAsking) {
    requireNothingSaid(options);
    return { exitCode: tellCandidates(candidates, options, terminal) };
  }
  terminal.tell(`${candidateRows(candidates)}\n`);
  const { ask } = await import('./init-ask.ts');
  const answers = await ask(open, { systemd, manager, surroundings, options });
  if (answers) return { answers };
  terminal.tell('nothing was written\n');
  return { exitCode: ExitCode.done };
}

/** One that cannot be read is told of by whatever is done next. */
async function configThere(options: GlobalOptions, { env, cwd }: Terminal): Promise<Config | null> {
  const explicit = options.config === undefined ? undefined : String(options.config);
  const file = await findConfig({ explicit, env, cwd }).catch(() => null);
  return file === null ? null : loadConfig(file).catch(() => null);
}

/** One that is left is a proposal; of several a person has to choose. */
function tellCandidates(candidates: readonly Candidate[], options: GlobalOptions, terminal: Terminal): number {
  const open = candidates.filter(({ target }) => target === null);
  const exitCode = open.length > 1 ? ExitCode.usage : ExitCode.done;
  const message = `${open.length} units could be set up, and none is named`;
  const next = open.length > 0 ? open.map(({ command }) => command) : ['cutover init --install'];
  if (options.json) {
    const error = exitCode === ExitCode.done ? {} : { error: { code: 'usage', message, mend: next.join('; or ') } };
    terminal.print(JSON.stringify({ candidates, next, ...error, exit_code: exitCode }));
    return exitCode;
  }
  terminal.tell(`${candidateRows(candidates)}\n`);
  const commands = next.map((command) => `  -> ${command}`);
  if (exitCode !== ExitCode.done) terminal.complain(`cutover: ${message}\n${commands.join('\n')}\n`);
  else terminal.tell(`type next:\n${commands.join('\n')}\n`);
  return exitCode;
}

function candidateRows(candidates: readonly Candidate[]): string {
  const rows = candidates.map(({ unit, state, enabled, ports, target, ...one }) => [
    unit,
    [state, ...(enabled ? ['enabled'] : [])].join(', '),
    ports.length > 0 ? `port ${ports.join(', ')}` : 'no port',
    target === null ? placeOf(one) : `target ${target} already`,
  ]);
  return columns(rows);
}

function placeOf({ layout, builds, directory, repository, problem }: Partial<Candidate>): string {
  const { remote, branch } = repository ?? {};
  const from = repository ? `, a checkout of ${branch ?? 'a commit'}${remote ? ` from ${remote}` : ''}` : '';
  if (layout === 'builds') return `builds in ${builds}${from}`;
  if (layout === 'directory' && directory) return `runs in ${directory}, a plain directory${from}`;
  return problem ?? 'runs in no directory of its own';
}

function nothingFound(directory: string, isUser: boolean): CutoverError {
  return new CutoverError('refused', `no service in ${directory} runs or is enabled`, {
    mend: `name one: cutover init shop.service; ${isUser ? '' : 'for a unit of your own manager: --user; '}a new one: units/app.service`,
  });
}
