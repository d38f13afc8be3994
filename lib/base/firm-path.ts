import { lstat, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CutoverError } from './errors.ts';
import { isRootsAlone } from './roots-alone.ts';
import { shellLine } from './shell-words.ts';

/** As many as the kernel follows. */
const mostLinks = 40;

/**
 * The same path without a link in it. Root follows only links that are root's, where nobody else can put one: whoever may write
 * a directory on the way could lead it anywhere. What is not there is no link.
 * @param path absolute
 * @throws `refused` at another user's link, and where links lead in a circle
 */
export async function firmPath(path: string): Promise<string> {
  const names = path.split('/');
  let at = '/';
  for (let links = 0; names.length > 0; ) {
    const next = resolve(at, names.shift() ?? '');
    const target = await readlink(next).catch(() => null);
    if (target === null) {
      at = next;
      continue;
    }
    if (!(await isFirmLink(next)))
      throw refused(`${next} is a link that another user than root may have put there`, next);
    links += 1;
    if (links > mostLinks) throw refused(`${path} leads through too many links`, path);
    names.unshift(...target.split('/'));
    if (target.startsWith('/')) at = '/';
  }
  return at;
}

async function isFirmLink(path: string): Promise<boolean> {
  if (process.geteuid?.() !== 0) return true;
  const isRoots = async (): Promise<boolean> => (await lstat(path)).uid === 0 && (await isRootsAlone(dirname(path)));
  return isRoots().catch(() => false);
}

function refused(message: string, path: string): CutoverError {
  return new CutoverError('refused', message, { mend: `${shellLine(['ls', '-ld', path])}, and name the file itself` });
}
