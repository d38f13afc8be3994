import type { Command } from '../base/exec.ts';
import { ownExecutable } from '../base/own-files.ts';
import { type Redact, redactorOf } from '../base/redactor.ts';
import { secretsOf } from '../config/known-secrets.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { isInside } from '../deploy/identity.ts';
import { deployedDirectly } from '../deployer/direct.ts';
import { type Place, pathsOf, targetNamed } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';
import { fanOut, type Listener } from '../run/events.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import { journalListener } from '../report/journal.ts';
import { logFileListener } from '../report/log-file.ts';
import { plainColours } from '../report/plain.ts';
import { terminalListener } from '../report/terminal.ts';
import { managersAsIs, managersAsOwner, type Source } from './managers.ts';
import { requireOwnManager, requireState } from './may-deploy.ts';
import { interruptSignal, refuseSuspension } from './signals.ts';

/** A place on the command line, with what others are told of once the outcome is. */
export interface CommandPlace extends Place {
  /** runs that had been cut off, and were ended before this one */
  settled: RunDocument[];
  /** resolves when the systemd journal has what it was told */
  journalled: () => Promise<void>;
}

/**
 * The configuration that the options and the surroundings name. A target that none is there for, or that it does not have, may
 * have been deployed without one.
 * @throws `config`; `systemd_unavailable` for root on what is another user's own
 */
export async function configFor(
  options: GlobalOptions,
  terminal: Pick<Terminal, 'env' | 'cwd'>,
  name?: string,
): Promise<Config> {
  const config = await configNamed(options, terminal, name);
  await requireOwnManager(config, terminal.env);
  return config;
}

/** The same for who only reads it. @throws `config` */
export async function configNamed(
  options: GlobalOptions,
  { env, cwd }: Pick<Terminal, 'env' | 'cwd'>,
  name?: string,
): Promise<Config> {
  const explicit = options.config === undefined ? undefined : String(options.config);
  const looking = findConfig({ explicit, env, cwd });
  if (name === undefined || explicit !== undefined) return loadConfig(await looking);
  const file = await looking.catch(() => null);
  const config = file === null ? null : await loadConfig(file);
  if (config !== null && Object.hasOwn(config.targets, name)) return config;
  return (await deployedDirectly(name, env)) ?? config ?? loadConfig(await looking);
}

/** A target of the configuration, ready to be worked on. @throws `config`, `usage`, `systemd_unavailable` */
export async function placeFor(
  name: string | undefined,
  options: GlobalOptions,
  terminal: Terminal,
  { log = false, asOwner = log }: { log?: boolean; asOwner?: boolean } = {},
): Promise<CommandPlace> {
  const config = await configFor(options, terminal, name);
  return placeOf(config, targetNamed(config, name), { options, terminal, log, asOwner });
}

interface PlaceOptions {
  options: GlobalOptions;
  terminal: Terminal;
  paths?: Place['paths'];
  log?: boolean;
  /** something is to be changed, which is done as the user whose the state is */
  asOwner?: boolean;
  /** where the configuration is from; default: its file */
  source?: Source;
}

/** The same for a configuration that is there already. */
export async function placeOf(
  config: Config,
  target: TargetConfig,
  { options, terminal, paths = pathsOf(config, target), log = false, asOwner = log, source = 'file' }: PlaceOptions,
): Promise<CommandPlace> {
  const signal = interruptSignal();
  if (log) refuseSuspension(terminal);
  const { env } = terminal;
  const owned = [paths.directory, ...(source === 'ledger' ? [] : [target.builds])] as const;
  // Whoever only looks changes nothing, and may look at everything.
  const managers = asOwner ? await managersAsOwner(config, { owned, env, source }) : managersAsIs(config, env);
  await requireState(config, { directory: paths.directory, isWritten: asOwner });
  const redact = redactorOf(await secretsOf([target, config.notify, config.serve], env));
  return {
    config,
    target,
    paths,
    ...managers,
    redact,
    signal,
    settle: settleCommand(paths.directory),
    ...listening(config, target, { options, terminal, log, redact }),
  };
}

interface Telling {
  options: GlobalOptions;
  terminal: Terminal;
  log: boolean;
  redact: Redact;
}

/** Tells all that listen to runs of what happens, and keeps what was settled on the way. */
function listening(
  config: Config,
  target: TargetConfig,
  telling: Telling,
): Pick<CommandPlace, 'emit' | 'settled' | 'journalled'> {
  const { terminal, redact } = telling;
  const settled: RunDocument[] = [];
  const journal = journalListener({ app: config.app, target: target.name, unit: target.unit }, { redact });
  const listeners = listenersFor(config, target, telling);
  listeners.push(journal.listen, (event) => void (event.type === 'settled' && settled.push(event.document)));
  const emit = fanOut(listeners, (error) => terminal.tell(`  note: ${(error as Error).message}\n`));
  return { emit, settled, journalled: journal.ended };
}

function listenersFor(
  config: Config,
  target: TargetConfig,
  { options, terminal, log: isLogged, redact }: Telling,
): Listener[] {
  const { colours, isLive } = terminal;
  const { manager, state, logs: directory } = config;
  const write = (text: string): void => terminal.tell(redact(text));
  const level = options.quiet ? 'quiet' : options.verbose ? 'verbose' : 'normal';
  const listeners = [terminalListener({ write, colours, isLive, level, manager })];
  if (!isLogged) return listeners;
  const log = { directory, unit: target.unit, isPrivate: isInside(directory, state) };
  return [...listeners, logFileListener({ ...log, manager, plain: plainColours, redact })];
}

/** systemd knows neither our directory nor our PATH: everything is named in full. */
function settleCommand(stateDirectory: string): Command {
  // Whoever waited for the target may have it by then, and end the run itself; if it does not, somebody has to.
  return [process.execPath, ownExecutable(), 'settle', '--state-directory', stateDirectory, '--wait=30min'];
}
