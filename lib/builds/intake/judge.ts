import { CutoverError } from '../../base/errors.ts';
import { contentsName, manifestName } from '../manifest.ts';
import type { IntakeLimits } from './limits.ts';
import { bad, segmentsOf, told, verifyDestination } from './names.ts';
import { refusal } from './refusal.ts';

export type EntryKind = 'file' | 'directory' | 'link' | 'hardlink';

/** One entry as the archive tells it, nothing of it believed yet. */
export interface RawEntry {
  path: string;
  /** null: a device, a pipe, or something else that a build does not hold */
  kind: EntryKind | null;
  /** what the archive calls its kind */
  type: string;
  size: number;
  mode: number;
  to: string;
}

/** An entry that was accepted, under its plain path. */
export interface AcceptedEntry {
  kind: EntryKind;
  size: number;
  /** where a link leads, or the file that a hard link is another name of */
  to: string;
  /** of a file's content, in hexadecimal; empty until all of it was read */
  sha256: string;
}

/** Names in a build's own folder that are ours. */
const ownNames: readonly string[] = [manifestName, contentsName];
const tooMuch = { mend: 'leave out what the service does not need' };

/** Decides entry by entry, in the order of the archive; changes nothing but what it remembers. */
export class Judge {
  /** by path, from the build's own folder; that one is not in it */
  readonly accepted = new Map<string, AcceptedEntry>();
  /** folders that no entry is about, only the path of others */
  readonly implied = new Set<string>();
  /** what the archive has under the names of our own files */
  readonly replaced = new Set<string>();
  /** whether something in it may not be read, or a folder not be emptied, by its own owner */
  isUnreadable = false;
  private readonly limits: IntakeLimits;
  private bytes = 0;

  private readonly room: number;

  /**
   * @param limits `bytes` is the sum of all files, counted from the headers before any content comes
   * @param room bytes that the disk has to spare
   */
  constructor(limits: IntakeLimits, room: number) {
    this.limits = limits;
    this.room = room;
  }

  /**
   * @returns null for what is left out: the build's own folder, and files with the names of ours
   * @throws `no_build` naming the entry and what is wrong with it
   */
  judge(raw: RawEntry): AcceptedEntry | null {
    const { kind, size } = raw;
    if (kind === null) throw bad(raw.path, `is a ${raw.type}; only files, folders and links are taken in`);
    const segments = segmentsOf(raw.path, raw.path, this.limits);
    const path = segments.join('/');
    this.countBytes(size);
    if (path === '' && kind !== 'directory') throw bad(raw.path, 'has no name');
    this.isUnreadable ||= !isReadable(kind, raw.mode);
    if (path === '' || this.isReplaced(path, raw)) return null;
    this.placeParents(segments, raw);
    const there = this.accepted.get(path);
    this.implied.delete(path);
    // Some programs list a folder again for each time that something was added to it.
    if (there && kind === 'directory' && there.kind === 'directory') return there;
    if (there) throw bad(raw.path, 'is there twice');
    return this.place(path, { kind, size, to: this.destinationOf(raw, kind), sha256: '' });
  }

  private countBytes(size: number): void {
    this.bytes += size;
    verifySize(this.bytes, { limit: this.limits.bytes, room: this.room });
  }

  private isReplaced(path: string, { path: subject, kind }: RawEntry): boolean {
    const [top = ''] = path.split('/', 1);
    if (!ownNames.includes(top)) return false;
    if (kind !== 'file' || path !== top) throw bad(subject, 'has the name of a file of cutover');
    if (this.replaced.has(path)) throw bad(subject, 'is there twice');
    this.replaced.add(path);
    return true;
  }

  private placeParents(segments: readonly string[], { path: subject }: RawEntry): void {
    for (let depth = 1; depth < segments.length; depth += 1) {
      const parent = segments.slice(0, depth).join('/');
      const there = this.accepted.get(parent);
      if (there?.kind === 'directory') continue;
      if (there) throw bad(subject, `lies below ${told(parent)}, which is not a folder`);
      this.place(parent, { kind: 'directory', size: 0, to: '', sha256: '' });
      this.implied.add(parent);
    }
  }

  private place(path: string, entry: AcceptedEntry): AcceptedEntry {
    if (this.accepted.size >= this.limits.entries) {
      throw refusal(`the archive holds more than ${this.limits.entries} entries`, tooMuch);
    }
    this.accepted.set(path, entry);
    return entry;
  }

  private destinationOf({ path: subject, to, size }: RawEntry, kind: EntryKind): string {
    if (kind === 'link') verifyDestination(to, subject, this.limits);
    if (kind !== 'hardlink') return kind === 'link' ? to : '';
    if (size > 0) throw bad(subject, 'is a hard link with a content of its own');
    const path = segmentsOf(to, subject, this.limits).join('/');
    const target = this.accepted.get(path);
    if (target?.kind === 'file') return path;
    // A hard link to a hard link is one more name of the same file.
    if (target?.kind === 'hardlink') return target.to;
    throw bad(subject, `is a hard link to ${told(to)}, which is no file of this archive`);
  }
}

/** @throws `no_build` for more than any build needs, `disk` for more than there is room for */
export function verifySize(bytes: number, { limit, room }: { limit: number; room: number }): void {
  if (bytes > limit) throw refusal(`the archive unpacks to more than ${limit} bytes`, tooMuch);
  if (bytes <= room) return;
  const message = `the archive unpacks to more than ${Math.floor(room)} bytes, which is all that the disk can spare`;
  throw new CutoverError('disk', message, { mend: 'df -h; cutover prune' });
}

function isReadable(kind: EntryKind, mode: number): boolean {
  if (kind === 'directory') return (mode & 0o700) === 0o700;
  return kind !== 'file' || (mode & 0o400) !== 0;
}
