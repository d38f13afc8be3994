import { basename } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { unitPathText } from '../../../systemd/unit-text.ts';
import { settingsOf } from '../strategy/unit-source.ts';
import { isNamed, type Moving, pathAt, placesIn, withCurrent } from './naming.ts';
import { type Named, namedOnBus } from './on-bus.ts';

const mark = '# Written by `cutover init --adopt`; `cutover init UNIT --adopt --undo` takes it back.';
const shells = /^(ba|da|z|k|fi|tc|c)?sh$/;

/** A unit as it stands in its files, and as systemd has read them. */
export interface UnitLines {
  unit: string;
  /** its file and all lines beside it, in the order in which systemd reads them */
  texts: readonly string[];
  /** what systemd tells of it */
  properties: ReadonlyMap<string, unknown>;
}

/**
 * The lines beside a unit's file that have it run in `current`: its directory, and each command that names the old one.
 * @throws `refused` where a line names the old directory in a way that cannot be changed for sure
 */
export function movedLines({ unit, texts, properties }: UnitLines, moving: Moving): string {
  const settings = texts.flatMap((text) => settingsOf(text, 'Service')).map(keyAndValue);
  const keys = [...new Set(settings.map(({ key }) => key))].filter((key) => key.startsWith('Exec'));
  const commands = new Map(keys.map((key) => [key, valuesOf(settings, key)]));
  const changed = [...commands].flatMap(([key, values]) => {
    if (!values.some((value) => isNamed(value, moving))) return [];
    for (const value of values) requirePlain(unit, `${key}=${value}`, { value, moving });
    return [`${key}=`, ...values.map((value) => `${key}=${withCurrent(value, moving)}`)];
  });
  for (const { key, value } of settings) requireUntouched(unit, { key, value }, moving);
  requireSeen(unit, { named: namedOnBus(properties, moving), commands, moving });
  return `${[mark, '[Service]', `WorkingDirectory=${unitPathText(moving.current)}`, ...changed].join('\n')}\n`;
}

interface Setting {
  key: string;
  value: string;
}

/** An empty assignment takes back what stands before it. */
function valuesOf(settings: readonly Setting[], key: string): string[] {
  const all = settings.filter((one) => one.key === key);
  return all.slice(all.findLastIndex(({ value }) => value === '') + 1).map(({ value }) => value);
}

function keyAndValue(line: string): Setting {
  const at = line.indexOf('=');
  return { key: line.slice(0, at), value: line.slice(at + 1).trim() };
}

/** What a shell makes of a line, nobody can tell by looking at it. */
function requirePlain(unit: string, line: string, { value, moving }: { value: string; moving: Moving }): void {
  const [file = '', ...args] = value.replace(/^[-@:+!]+/, '').split(/\s+/);
  if (!isNamed(value, moving) || !(shells.test(basename(file)) && args.some((arg) => /^-\w*c$/.test(arg)))) return;
  throw new CutoverError('refused', `${unit} has a shell find its program: ${line}; nothing was changed`, {
    mend: `put that line into a script in ${moving.source} and name the script in ExecStart=, restart, and again`,
  });
}

const moved = ['WorkingDirectory', 'Exec', 'SyslogIdentifier'];

/** Any other setting that names the old directory would leave one half of the service there. */
function requireUntouched(unit: string, { key, value }: Setting, moving: Moving): void {
  const [at] = placesIn(value, moving);
  if (at === undefined || moved.some((name) => key.startsWith(name))) return;
  throw held(unit, `${key}=${value}`, { path: pathAt(value, at), moving });
}

/** A specifier, as in `%h/app`, hides the directory from whoever reads the file, and other sections may name it, too. */
function requireSeen(
  unit: string,
  { named, commands, moving }: { named: readonly Named[]; commands: ReadonlyMap<string, string[]>; moving: Moving },
): void {
  for (const { setting, path } of named) {
    const values = commands.get(setting);
    if (values === undefined) throw held(unit, `${setting}=${path}`, { path, moving });
    const seen = values.flatMap((value) => placesIn(value, moving));
    if (named.filter((one) => one.setting === setting).length <= seen.length) continue;
    throw new CutoverError('refused', `${unit} runs ${path}, and its file names it otherwise; nothing was changed`, {
      mend: `name it in full in ${setting}=, ${path}, restart, and again`,
    });
  }
}

function held(unit: string, setting: string, { path, moving }: { path: string; moving: Moving }): CutoverError {
  const inside = path.slice(moving.source.length + 1);
  return new CutoverError('refused', `${setting} of ${unit} names ${moving.source}; nothing was changed`, {
    mend: inside === '' ? `take it out of the unit, and again` : `it stays where it is with: --shared ${inside}`,
  });
}
