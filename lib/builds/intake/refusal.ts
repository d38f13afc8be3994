import { CutoverError } from '../../base/errors.ts';

/** Why an archive is not taken in. Nothing was published then. */
export function refusal(message: string, more: { mend?: string; cause?: unknown } = {}): CutoverError {
  return new CutoverError('no_build', message, { mend: 'pack it anew, and see what tar --list says', ...more });
}

/** What a program that writes below the builds directory complained of. @param doing the beginning of the sentence */
export function complaint(stderr: string, doing: string, directory: string): CutoverError {
  const line = firstLine(stderr);
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return new CutoverError('disk', `${doing} ${directory}: no space left`, {
      mend: `df -h ${directory}; cutover prune`,
    });
  }
  if (/Permission denied|Operation not permitted|Read-only file system/.test(stderr)) {
    return new CutoverError('permission', `${doing} ${directory}: ${line}`, {
      mend: `ls -ld ${directory}; run as its owner, or with sudo`,
    });
  }
  return new CutoverError('failed', `${doing} ${directory}: ${line}`, { mend: `ls -ld ${directory}` });
}

/** What a program says first; gzip begins with an empty line. */
export function firstLine(stderr: string): string {
  return stderr.split('\n').find((text) => text.trim() !== '') ?? 'no reason given';
}
