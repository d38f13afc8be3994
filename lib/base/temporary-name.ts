import { basename, dirname, join } from 'node:path';

/** A name that is not taken, for what is to get the name `path` itself. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomHex()}.tmp`);
}

/** Whether a name is one that `writeDurably` or `replaceLink` leaves when it is killed midway. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** Eight digits that two processes hardly share; `wx` and symlink(2) refuse a name that is there. */
export function randomHex(): string {
  return Math.floor(Math.random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0');
}
