import { dirname } from 'node:path';

/** What `notes.cjs` saw a process do. */
export interface Note {
  what: 'created' | 'written' | 'syncing' | 'synced' | 'rename' | 'symlink' | 'unlink' | 'mkdir' | 'sent';
  /** of a call: its name */
  path: string;
  /** of a rename */
  to?: string;
  text?: string;
  /** of a sync, which has another where it ends */
  id?: number;
}

/** An act, and what a power cut would take just before it: names of a directory, and what was written to a file. */
export interface Act {
  what: string;
  lost: string[];
  /** of a rename: what of it was in the file that gets another name */
  inside?: string[];
}

/**
 * Plays the notes on a disk that keeps nothing but what a sync has ended for.
 * @param isOf which paths matter
 * @returns the renames, removals and calls in their order, and `end`
 */
export function actsOf(notes: readonly Note[], isOf: (path: string) => boolean): Act[] {
  const disk = new Map<string, Set<string>>();
  const syncs = new Map<number | undefined, string[]>();
  const lose = (path: string, what: string): void => {
    if (isOf(path)) disk.set(path, (disk.get(path) ?? new Set()).add(what));
  };
  const lost = (path: string): string[] => [...(disk.get(path) ?? [])];
  const acts: Act[] = [];
  const act = (what: string, more: Pick<Act, 'inside'> = {}): void =>
    void acts.push({ what, lost: [...disk.keys()].flatMap(lost), ...more });
  for (const { what, path, to = '', text = '', id } of notes) {
    if (what === 'written') for (const said of saidIn(text)) lose(path, `${path}: ${said}`);
    if (what === 'syncing') syncs.set(id, lost(path));
    if (what === 'synced') for (const one of syncs.get(id) ?? []) disk.get(path)?.delete(one);
    if (what === 'sent') act(path);
    if (what === 'unlink') act(`unlink ${path}`);
    if (what === 'rename') {
      if (isOf(path)) act(`rename ${to}`, { inside: lost(path) });
      lose(dirname(path), `no ${path}`);
    }
    if (['created', 'symlink', 'mkdir', 'unlink', 'rename'].includes(what)) {
      const name = what === 'rename' ? to : path;
      lose(dirname(name), `${what} ${name}`);
    }
  }
  act('end');
  return acts;
}

/** The lines of a ledger by what they tell; of any other text that there was one. */
export function saidIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      const { type, name = '', state = '' } = JSON.parse(line) as Record<string, string>;
      return [[type ?? 'text', name, state].filter(Boolean).join(' ')];
    } catch {
      return ['text'];
    }
  });
}
