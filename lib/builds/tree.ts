import { type ActingUser, ourselves } from '../base/acting-user.ts';
import { CutoverError } from '../base/errors.ts';

/** A path as it stands on the disk; links are not followed. */
export interface TreeEntry {
  /** `other`: a device, a pipe, a socket */
  kind: 'file' | 'directory' | 'link' | 'other';
  /** permission bits in octal digits */
  mode: string;
  size: number;
  /** where a link leads; empty for anything else */
  to: string;
}

/** A million files take some 20 s. */
const timeoutMs = 10 * 60_000;

const kinds: Record<string, TreeEntry['kind']> = { f: 'file', d: 'directory', l: 'link' };

/**
 * Everything below a directory, itself under the path "". By find(1): it holds on to each directory while it is in it, so
 * that nobody leads it elsewhere meanwhile, and is faster than we are.
 * @param by in whose name
 * @throws `permission` when something may not be looked at; `refused` when it cannot be, or takes too long; the signal's reason
 * when aborted
 */
export async function readTree(
  directory: string,
  { signal, by = ourselves }: { signal: AbortSignal; by?: ActingUser },
): Promise<Map<string, TreeEntry>> {
  const format = '%y\\0%m\\0%s\\0%l\\0%P\\0';
  const command = ['find', '-P', directory, '-noleaf', '-ignore_readdir_race', '-printf', format] as const;
  // It goes back to where it was started, which whoever it works for may not be allowed to enter.
  const known = { timeoutMs, signal, cwd: '/', env: { LC_ALL: 'C' } };
  const { code, stdout, stderr, timedOut } = await by.exec(command, known);
  if (timedOut) throw new CutoverError('refused', `${directory} could not be read within ${timeoutMs / 60_000} min`);
  if (code !== 0) {
    throw new CutoverError(
      /denied|permitted/.test(stderr) ? 'permission' : 'refused',
      `cannot read all of ${directory}: ${stderr.split('\n')[0]}`,
      {
        mend: `ls -ld ${directory}; run as its owner, or with sudo`,
      },
    );
  }
  return parseTree(stdout);
}

/** Field by field: all of them at once would take much memory. */
function parseTree(text: string): Map<string, TreeEntry> {
  const tree = new Map<string, TreeEntry>();
  let at = 0;
  const next = (): string => {
    const found = text.indexOf('\0', at);
    const end = found < 0 ? text.length : found;
    const field = text.slice(at, end);
    at = end + 1;
    return field;
  };
  while (at < text.length) {
    const [kind, mode, size, to, path] = [next(), next(), Number(next()), next(), next()];
    tree.set(path, { kind: kinds[kind] ?? 'other', mode, size, to });
  }
  return tree;
}
