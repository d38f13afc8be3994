import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CutoverError, ExitCode } from '../base/errors.ts';
import { httpUrl } from '../config/values/url.ts';
import { name as nameType, serviceUnit } from '../config/values/name.ts';
import { portList } from '../config/values/port.ts';
import { type ValueType, WrongValue } from '../config/values/value-type.ts';
import type { FileResult } from '../deployer/init/files.ts';
import { type Found, type InitOptions, initBoot, type InitReport, initUnit } from '../deployer/init.ts';
import { columns } from '../report/text.ts';
import { openSystemd } from '../systemd/systemd.ts';
import { systemctl } from '../systemd/typed.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

/** cac makes numbers of what looks like one, and a list of what is given twice. */
type Word = string | number | (string | number)[];

interface InitFlags {
  target?: Word;
  app?: Word;
  builds?: Word;
  port?: Word;
  url?: Word;
  output?: Word;
  user?: boolean;
  install?: boolean;
  dryRun?: boolean;
}

const forUnit = ['target', 'app', 'builds', 'port', 'url', 'output', 'user'] as const;

export const run: Run<InitFlags> = async ([unit], options, terminal) => {
  const signal = interruptSignal();
  const said = unit === undefined ? null : readOptions(options, terminal);
  if (!said) requireInstall(options);
  const config = said ? null : await configFor(options, terminal);
  const manager = said?.manager ?? config?.manager ?? 'system';
  const isDryRun = options.dryRun === true;
  const tools = {
    ...ourselves(),
    systemd: await openSystemd(manager),
    surroundings: { env: terminal.env, cwd: terminal.cwd },
    signal,
    isInstall: options.install === true,
    isDryRun,
    onFile: (file: FileResult): void => tellFile(file, options, terminal),
  };
  const report = said
    ? await initUnit(valueOf(serviceUnit, 'unit', unit), said, tools)
    : await initBoot(config as NonNullable<typeof config>, tools);
  tellReport(report, { options, terminal, isDryRun });
  return ExitCode.done;
};

function requireInstall(options: InitFlags): void {
  const extra = forUnit.find((flag) => options[flag] !== undefined);
  if (options.install && extra === undefined) return;
  const what = extra === undefined ? 'init needs to know the unit' : `--${extra} is about a unit, and none is named`;
  throw new CutoverError('usage', what, {
    mend: `${systemctl(options.user ? 'user' : 'system', 'list-units --type=service')}, then: cutover init shop.service`,
  });
}

function readOptions(options: InitFlags & GlobalOptions, { cwd }: Terminal): InitOptions {
  const { target, app, builds, port, url } = options;
  const output = options.output ?? options.config;
  return {
    manager: options.user ? 'user' : 'system',
    target: target === undefined ? undefined : valueOf(nameType, '--target', String(target)),
    app: app === undefined ? undefined : valueOf(nameType, '--app', String(app)),
    builds: builds === undefined ? undefined : resolve(cwd, String(builds)),
    ports: port === undefined ? undefined : portsOf(port),
    url: url === undefined ? undefined : valueOf(httpUrl, '--url', String(url)),
    output: output === undefined ? undefined : resolve(cwd, String(output)),
  };
}

/** `9000`, `9000,9001`, `none`, or the option twice. */
function portsOf(word: Word): number[] {
  const words = String(word).split(',');
  return words.join() === 'none' ? [] : valueOf(portList, '--port', words.map(Number));
}

function valueOf<T>(type: ValueType<T>, what: string, value: unknown): T {
  try {
    return type.parse(value, what);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new CutoverError('usage', error.lines.join('; '), { mend: 'cutover init --help' });
  }
}

/** The folder of this package, and the command that runs it wherever it is called from. */
function ourselves(): { product: string; command: [string, string] } {
  const bin = dirname(realpathSync(process.argv[1] as string));
  return { product: dirname(bin), command: [process.execPath, join(bin, 'cutover.js')] };
}

function tellFile(
  { path, status, mode, content }: FileResult,
  options: GlobalOptions,
  { tell, colours }: Terminal,
): void {
  if (options.quiet && content === undefined) return;
  const paint = status === 'unchanged' ? colours.dim : colours.green;
  tell(`${paint(status)} ${path} (mode ${mode})\n`);
  if (content !== undefined && status !== 'unchanged') tell(`${content}\n`);
}

function tellReport(
  report: InitReport & { found?: Found[] },
  { options, terminal, isDryRun }: { options: GlobalOptions; terminal: Terminal; isDryRun: boolean },
): void {
  const { found = [], ...document } = report;
  if (options.json) {
    terminal.print(JSON.stringify(document));
    return;
  }
  const { units, notes, next } = report;
  const { yellow, dim } = terminal.colours;
  const rows = found.map(({ key, value, note }) => [`  ${key}`, String(value), note]);
  const lines = [
    ...units.map(({ unit, status }) => `${status} ${unit}`),
    ...(rows.length === 0 ? [] : [dim(columns(rows))]),
    ...notes.map((note) => yellow(`  note: ${note}`)),
    isDryRun ? 'nothing was written: --dry-run' : 'type next:',
    ...next.map((command) => `  -> ${command}`),
  ];
  terminal.tell(`${(options.quiet ? next.map((command) => `-> ${command}`) : lines).join('\n')}\n`);
}
