import type { CommandRow } from '../command.ts';
import { optionsOf } from '../flags.ts';
import type { Kind } from './kinds.ts';
import { shells } from '../../base/shells.ts';
import type { Wanted } from './wanted.ts';

/** A word that is offered. */
export interface Candidate {
  value: string;
  /** a few words beside it, in shells that show them */
  does?: string;
  /** offered only to who began to type it, where nothing else begins so */
  isLast?: boolean;
}

/** What the shell itself adds: the names of files, of directories, or nothing. */
export type Beside = 'words' | 'files' | 'directories';

export interface Answer {
  beside: Beside;
  candidates: Candidate[];
}

/** Names that only the configuration and the disk know. Never throws: what cannot be known is not offered. */
export type Look = (kind: Kind, wanted: Wanted) => Promise<readonly Candidate[]>;

const fixed: Partial<Record<Kind, readonly Candidate[]>> = {
  shell: shells.map((value) => ({ value })),
  strategy: [
    { value: 'restart', does: 'the port is closed while the unit restarts' },
    { value: 'socket', does: 'systemd holds the port, new connections wait' },
    { value: 'overlap', does: 'the candidate is proven beside the old build' },
  ],
  event: [{ value: 'post-receive', does: 'as git calls it' }],
  section: [
    { value: '1', does: 'the commands' },
    { value: '5', does: 'the configuration' },
  ],
  wait: ['1min', '5min', '10min', '30min'].map((value) => ({ value })),
  period: ['1d', '7d', '30d', '90d'].map((value) => ({ value })),
};

/** Everything that may stand at the cursor, whole words, in the order in which it is to be shown. */
export async function answerTo(wanted: Wanted, rows: readonly CommandRow[], look: Look): Promise<Answer> {
  const found = await Promise.all(wanted.kinds.map((kind) => allOf(kind, wanted, { rows, look })));
  const fitting = found.flat().filter(({ value }) => value.startsWith(wanted.typed));
  const first = fitting.filter(({ isLast }) => !isLast);
  const offered = first.length > 0 || wanted.typed === '' ? first : fitting;
  const candidates = offered.map((one) => ({ ...one, value: wanted.before + one.value }));
  return { beside: besideOf(wanted), candidates };
}

async function allOf(
  kind: Kind,
  wanted: Wanted,
  { rows, look }: { rows: readonly CommandRow[]; look: Look },
): Promise<readonly Candidate[]> {
  if (kind === 'command')
    return rows.filter(({ isHidden }) => !isHidden).map(({ name: value, does }) => ({ value, does }));
  if (kind === 'option') return optionsLeft(wanted);
  return fixed[kind] ?? look(kind, wanted);
}

/** The options that were not given yet, or may be given again. */
function optionsLeft({ row, options }: Wanted): Candidate[] {
  return optionsOf(row).flatMap(([flags, does]) => {
    const value = /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags;
    return options.has(value) && !flags.includes('...') ? [] : [{ value, does }];
  });
}

function besideOf({ kinds, typed }: Wanted): Beside {
  if (kinds.includes('file') || kinds.includes('backup')) return 'files';
  // A build may be named by its path.
  return kinds.includes('directory') || (kinds.includes('build') && typed.includes('/')) ? 'directories' : 'words';
}
