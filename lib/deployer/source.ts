import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { CutoverError } from '../base/errors.ts';
import type { Place } from './place.ts';

/** A commit that is to be deployed, in place of what lies in the builds directory already. */
export interface Source {
  revision: string;
  branch: string;
  /** Asked once the target is held, which may be some time after the push. @throws `NotWanted` */
  verifyWanted(signal: AbortSignal): Promise<void>;
  /** Puts its files into an empty directory. */
  checkOut(directory: string, signal: AbortSignal): Promise<void>;
  /** What is deployed of it, as a tar archive; its end is an error where it is not whole. */
  archive(signal: AbortSignal): Promise<Readable>;
}

/** What somebody says was pushed, as far as it is known; the hooks fetch and build it by themselves. */
export interface PushedCommit {
  revision: string | null;
  branch: string | null;
}

/** A later push has taken the place of this one: nothing was changed, and nothing is wrong. */
export class NotWanted extends CutoverError {
  constructor(message: string) {
    super('refused', message);
    this.name = 'NotWanted';
  }
}

/** Where a commit is checked out for the hooks that test and build it. */
export function workTree({ paths }: Pick<Place, 'paths'>): string {
  return join(paths.directory, 'work');
}

/** A commit as people name it. */
export function shortName(commit: string): string {
  return commit.slice(0, 10);
}
