import { resolve } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import type { StrategyName } from '../config/model.ts';
import { choice } from '../config/values/choice.ts';
import { name as nameType } from '../config/values/name.ts';
import { portList } from '../config/values/port.ts';
import { httpUrl } from '../config/values/url.ts';
import { type ValueType, WrongValue } from '../config/values/value-type.ts';
import type { InitOptions } from '../deployer/init.ts';
import { systemctl } from '../systemd/typed.ts';
import type { GlobalOptions, Terminal } from './command.ts';

/** cac makes numbers of what looks like one, and a list of what is given twice. */
type Word = string | number | (string | number)[];

export interface InitFlags {
  target?: Word;
  app?: Word;
  builds?: Word;
  port?: Word;
  url?: Word;
  output?: Word;
  strategy?: Word;
  git?: Word;
  user?: boolean;
  install?: boolean;
  deployUser?: Word;
  group?: Word;
  force?: boolean;
  uninstall?: boolean;
  adopt?: boolean;
  undo?: boolean;
  shared?: Word;
  dryRun?: boolean;
}

const forUnit = ['target', 'app', 'builds', 'port', 'url', 'output', 'strategy', 'adopt', 'user'] as const;
const forAdopt = ['shared', 'undo'] as const;
const forInstall = ['deployUser', 'group', 'force'] as const;
const strategy = choice('restart', 'socket', 'overlap');

/** Nothing is said of what is to be done: then it is looked for. */
export function isOpen({ git, install, uninstall, strategy, adopt }: InitFlags): boolean {
  return git === undefined && strategy === undefined && !install && !uninstall && !adopt;
}

/** @throws `usage` for what says something of a unit, where none is named and nobody can be asked */
export function requireNothingSaid(options: InitFlags): void {
  if (forUnit.some((flag) => flag !== 'user' && options[flag] !== undefined)) requireInstall(options);
}

/** Without a unit there is only what `--install` does. @throws `usage` */
export function requireInstall(options: InitFlags): void {
  const extra = forUnit.find((flag) => options[flag] !== undefined);
  if (options.install && extra === undefined) return;
  const what = extra === undefined ? 'init needs to know the unit' : `--${extra} is about a unit, and none is named`;
  throw new CutoverError('usage', what, {
    mend: `${systemctl(options.user ? 'user' : 'system', 'list-units --type=service')}, then: cutover init shop.service`,
  });
}

/** @throws `usage` for what only says something of `--install` */
export function requireInstalling(options: InitFlags): void {
  const extra = forInstall.find((flag) => options[flag] !== undefined);
  if (options.install || extra === undefined) return;
  throw new CutoverError('usage', `${flagOf(extra)} goes with --install`, {
    mend: `cutover init --install ${flagOf(extra)}`,
  });
}

/** @throws `usage` for what only says something of `--adopt`, and for what is another command */
export function requireAdopting(options: InitFlags): void {
  const extra = forAdopt.find((flag) => options[flag] !== undefined);
  if (!options.adopt && extra === undefined) return;
  if (!options.adopt) {
    throw new CutoverError('usage', `--${extra} goes with --adopt`, { mend: 'cutover init shop.service --adopt' });
  }
  const other = (['strategy', 'install'] as const).find((flag) => options[flag] !== undefined);
  if (other === undefined) return;
  throw new CutoverError('usage', `--adopt and --${other} are two commands`, {
    mend: `first --adopt, then --${other}`,
  });
}

/** What was installed is known: no more than the configuration that it was for can be said of it. @throws `usage` */
export function requireUninstallAlone(options: InitFlags, unit: string | undefined): void {
  const others = [...forUnit.filter((flag) => flag !== 'user'), ...forAdopt, ...forInstall, 'install', 'git'] as const;
  const extra = others.find((flag) => options[flag] !== undefined);
  if (extra === undefined && unit === undefined) return;
  const what = extra === undefined ? `a unit (${unit})` : flagOf(extra);
  throw new CutoverError('usage', `--uninstall takes back all of a configuration, and ${what} says nothing of that`, {
    mend: 'cutover init --uninstall --dry-run; of several configurations: --config FILE',
  });
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A repository goes with a configuration that is there: nothing else can be said of it. @throws `usage` */
export function requireGitAlone(options: InitFlags): void {
  const extra = [...forUnit, ...forAdopt, ...forInstall, 'install' as const].find(
    (flag) => options[flag] !== undefined,
  );
  if (extra === undefined) return;
  throw new CutoverError('usage', `--git and ${flagOf(extra)} are two commands`, {
    mend: 'the unit first: cutover init shop.service; then: cutover init --git DIR',
  });
}

/** What the person said of the unit. @throws `usage` */
export function readOptions(options: InitFlags & GlobalOptions, { cwd }: Pick<Terminal, 'cwd'>): InitOptions {
  const { target, app, builds, port, url } = options;
  const output = options.output ?? options.config;
  return {
    manager: options.user ? 'user' : 'system',
    target: target === undefined ? undefined : valueOf(nameType, '--target', String(target)),
    app: app === undefined ? undefined : valueOf(nameType, '--app', String(app)),
    builds: builds === undefined ? undefined : resolve(cwd, String(builds)),
    ports: port === undefined ? undefined : portsOf(port),
    url: url === undefined || url === 'none' ? undefined : valueOf(httpUrl, '--url', String(url)),
    hasNoUrl: url === 'none',
    output: output === undefined ? undefined : resolve(cwd, String(output)),
  };
}

/** The strategy that `--strategy` names; undefined: it was not given. @throws `usage` */
export function strategyIn(options: InitFlags): StrategyName | undefined {
  if (options.strategy === undefined) return undefined;
  if (options.install) {
    throw new CutoverError('usage', '--strategy and --install are two commands', {
      mend: 'the strategy first, then: cutover init --install',
    });
  }
  return valueOf<StrategyName>(strategy, '--strategy', options.strategy);
}

/** @throws `usage` in place of what a wrong value in a configuration is */
export function valueOf<T>(type: ValueType<T>, what: string, value: unknown): T {
  try {
    return type.parse(value, what);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new CutoverError('usage', error.lines.join('; '), { mend: 'cutover init --help' });
  }
}

/** `9000`, `9000,9001`, `none`, or the option twice. */
function portsOf(word: Word): number[] {
  const words = String(word).split(',');
  return words.join() === 'none' ? [] : valueOf(portList, '--port', words.map(Number));
}
