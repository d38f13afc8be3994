import type { TreeEntry } from '../tree.ts';

/** Where a link leads in the end: to something in the build, to nothing in it, out of it, or round and round. */
export type Lead = 'inside' | 'nothing' | 'outside' | 'circles';

/** All that a build holds, by path. */
type Tree = ReadonlyMap<string, Pick<TreeEntry, 'kind' | 'to'>>;

/** How far a link was followed. */
interface Way {
  lead: Lead;
  /** links that were followed, the first one included */
  links: number;
  /** where it has come to: a path in the build, "" its own folder */
  at: string;
  isFolder: boolean;
}

/** As many as the kernel follows (path_resolution(7)). */
const mostLinks = 40;
const endless: Way = { lead: 'circles', links: mostLinks + 1, at: '', isFolder: false };

/** Follows the links of one tree. What lies behind a link is found out once, however many links lead to it. */
export class Leads {
  private readonly tree: Tree;
  private readonly known = new Map<string, Way>();

  constructor(tree: Tree) {
    this.tree = tree;
  }

  /**
   * Follows a link as the kernel would, name by name. One that leaves the build counts as outside although it may come back:
   * the way back has the name of a folder that the build will not have for long.
   */
  of(path: string): Lead {
    return this.behind(path, 1).lead;
  }

  /** @param depth the links that lead here, this one included */
  private behind(path: string, depth: number): Way {
    const known = this.known.get(path);
    if (known) return known;
    if (depth > mostLinks) return endless;
    const way = this.follow(path, depth);
    // With fewer links before it, it may come to an end.
    if (way.lead !== 'circles') this.known.set(path, way);
    return way;
  }

  private follow(path: string, depth: number): Way {
    const to = this.tree.get(path)?.to ?? '';
    let way: Way = { lead: to.startsWith('/') ? 'outside' : 'inside', links: 1, at: parentOf(path), isFolder: true };
    const names = segmentsOf(to);
    for (const [index, name] of names.entries()) {
      if (way.lead === 'inside') way = way.isFolder ? this.step(way, name, depth) : { ...way, lead: 'nothing' };
      if (way.lead === 'nothing' && names.includes('..', index)) return { ...way, lead: 'outside' };
      if (way.lead !== 'inside') return way;
    }
    return way;
  }

  private step(way: Way, name: string, depth: number): Way {
    if (name === '..') return way.at === '' ? { ...way, lead: 'outside' } : { ...way, at: parentOf(way.at) };
    const path = way.at === '' ? name : `${way.at}/${name}`;
    const found = this.tree.get(path);
    if (!found) return { ...way, lead: 'nothing' };
    if (found.kind !== 'link') return { ...way, at: path, isFolder: found.kind === 'directory' };
    const behind = this.behind(path, depth + 1);
    const links = way.links + behind.links;
    return links > mostLinks ? endless : { ...behind, links };
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
