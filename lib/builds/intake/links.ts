import type { TreeEntry } from '../tree.ts';

/** Where a link leads in the end: to something in the build, to nothing in it, out of it, or round and round. */
export type Lead = 'inside' | 'nothing' | 'outside' | 'circles';

/** As many as the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/**
 * Follows a link as the kernel would, name by name. One that leaves the build counts as outside although it may come back:
 * the way back has the name of a folder that the build will not have for long.
 * @param tree all that the build holds, by path
 */
export function leadOf(path: string, tree: ReadonlyMap<string, Pick<TreeEntry, 'kind' | 'to'>>): Lead {
  const at = segmentsOf(path).slice(0, -1);
  const ahead = segmentsOf(tree.get(path)?.to ?? '');
  if (isAbsolute(tree.get(path)?.to)) return 'outside';
  for (let links = 1; ahead.length > 0; ) {
    const name = ahead.shift() as string;
    if (name === '..') {
      if (at.length === 0) return 'outside';
      at.pop();
      continue;
    }
    const found = tree.get([...at, name].join('/'));
    if (found?.kind === 'link') {
      links += 1;
      if (links > mostLinks) return 'circles';
      if (isAbsolute(found.to)) return 'outside';
      ahead.unshift(...segmentsOf(found.to));
    } else if (found?.kind === 'directory') at.push(name);
    else if (!found || ahead.length > 0) return ahead.includes('..') ? 'outside' : 'nothing';
  }
  return 'inside';
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function isAbsolute(to: string | undefined): boolean {
  return to?.startsWith('/') === true;
}
