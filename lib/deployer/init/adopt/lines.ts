import { basename } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import { unitPathText } from '../../../systemd/unit-text.ts';
import { settingsOf } from '../strategy/unit-source.ts';
import type { SeenUnit } from '../unit.ts';

const mark = '# Written by `cutover init --adopt`; `cutover init UNIT --adopt --undo` takes it back.';
const shells = /^(ba|da|z|k|fi|tc|c)?sh$/;

/** Where a service runs now, and where it is to. */
export interface Moving {
  source: string;
  current: string;
  /** absolute; what lies there stays there */
  shared: readonly string[];
}

/**
 * The lines beside a unit's file that have it run in `current`: its directory, and each command that names the old one.
 * @param texts the unit's own files, in the order in which systemd reads them
 * @throws `refused` where a line names the old directory in a way that cannot be changed for sure
 */
export function movedLines(seen: SeenUnit, texts: readonly string[], moving: Moving): string {
  const { unit } = seen.facts;
  const settings = texts.flatMap((text) => settingsOf(text, 'Service')).map(keyAndValue);
  const keys = [...new Set(settings.map(({ key }) => key))].filter((key) => key.startsWith('Exec'));
  const changed = keys.flatMap((key) => {
    const all = settings.filter((one) => one.key === key);
    // An empty assignment takes back what stands before it.
    const values = all.slice(all.findLastIndex(({ value }) => value === '') + 1).map(({ value }) => value);
    if (!values.some((value) => isNamed(value, moving))) return [];
    for (const value of values) requirePlain(unit, `${key}=${value}`, { value, moving });
    return [`${key}=`, ...values.map((value) => `${key}=${withCurrent(value, moving)}`)];
  });
  for (const { key, value } of settings) requireUntouched(unit, { key, value }, moving);
  requireSeen(seen, changed.join('\n'), moving);
  return `${[mark, '[Service]', `WorkingDirectory=${unitPathText(moving.current)}`, ...changed].join('\n')}\n`;
}

function keyAndValue(line: string): { key: string; value: string } {
  const at = line.indexOf('=');
  return { key: line.slice(0, at), value: line.slice(at + 1).trim() };
}

/** The text with `current` for the old directory, but for what is shared: that is used where it lies. */
function withCurrent(text: string, { source, current, shared }: Moving): string {
  let done = '';
  for (let at = 0; at < text.length; ) {
    const found = nameIn(text, source, at);
    if (found === -1) return done + text.slice(at);
    const path = pathAt(text, found);
    const isKept = shared.some((one) => path === one || path.startsWith(`${one}/`));
    done += text.slice(at, found) + (isKept ? source : unitPathText(current));
    at = found + source.length;
  }
  return done;
}

/** Whether a text names the old directory, other than what is shared in it. */
export function isNamed(text: string, moving: Moving): boolean {
  return withCurrent(text, moving) !== text;
}

/** Where the directory is named from a place on; -1: nowhere. A longer name that only begins so is another one. */
function nameIn(text: string, source: string, from: number): number {
  for (let at = text.indexOf(source, from); at !== -1; at = text.indexOf(source, at + 1)) {
    const [before, after] = [text[at - 1] ?? ' ', text[at + source.length] ?? ' '];
    if (!/[\w.@/-]/.test(before) && /[/\s"';:,=]/.test(after)) return at;
    // "-", "@" and their like may stand in front of the first word of a command.
    if (/^[-@:+!]+$/.test(text.slice(0, at)) && /[/\s"';:,=]/.test(after)) return at;
  }
  return -1;
}

function pathAt(text: string, at: number): string {
  return /^[^\s"';:,=]*/.exec(text.slice(at))?.[0].replace(/\/$/, '') ?? '';
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
function requireUntouched(unit: string, { key, value }: { key: string; value: string }, moving: Moving): void {
  if (moved.some((name) => key.startsWith(name)) || !isNamed(value, moving)) return;
  const at = nameIn(value, moving.source, 0);
  const inside = pathAt(value, at).slice(moving.source.length + 1);
  throw new CutoverError('refused', `${key}=${value} of ${unit} names ${moving.source}; nothing was changed`, {
    mend: inside === '' ? `take it out of the unit, and again` : `it stays where it is with: --shared ${inside}`,
  });
}

/** A specifier, as in `%h/app`, hides the directory from whoever reads the file. */
function requireSeen({ facts, commands }: SeenUnit, changed: string, moving: Moving): void {
  const hidden = commands.flat().find((word) => isNamed(word, moving));
  if (hidden === undefined || changed.includes('ExecStart=')) return;
  throw new CutoverError(
    'refused',
    `${facts.unit} runs ${hidden}, and its file names it otherwise; nothing was changed`,
    {
      mend: `name it in full in ExecStart=, ${moving.source}, restart, and again`,
    },
  );
}
