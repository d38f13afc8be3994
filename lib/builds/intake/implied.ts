import type { Contents, Item } from '../contents.ts';
import type { IncomingFolder } from './incoming.ts';
import { complaint } from './refusal.ts';

const chmodMs = 10 * 60_000;

/**
 * Folders that the archive only names on the way to something else were made with whatever mask tar had: nobody said that a group
 * may write there.
 * @param contents what was found, and only that: no link stands in place of one of the folders
 * @returns the same with the modes that the folders have now
 * @throws `permission`; the signal's reason when aborted
 */
export async function closeImplied(
  { path, owner }: IncomingFolder,
  { implied, contents }: { implied: ReadonlySet<string>; contents: Contents },
  signal: AbortSignal,
): Promise<Contents> {
  if (implied.size === 0) return contents;
  const input = [...implied].map((name) => `./${name}\0`).join('');
  const command = ['sh', '-c', 'cd -- "$1" && exec xargs --null chmod g-w --', 'sh', path] as const;
  const { code, stderr } = await owner.exec(command, {
    timeoutMs: chmodMs,
    signal,
    input,
    cwd: '/',
    env: { LC_ALL: 'C' },
  });
  if (code !== 0) throw complaint(stderr, 'cannot change', path);
  return new Map([...contents].map(([name, item]) => [name, implied.has(name) ? closed(item) : item]));
}

function closed(item: Item): Item {
  if (item.kind === 'link') return item;
  return { ...item, mode: (Number.parseInt(item.mode, 8) & ~0o020).toString(8) };
}
