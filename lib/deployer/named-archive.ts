import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { accountOfUser } from '../base/accounts.ts';
import { type ActingUser, otherUser, ourselves } from '../base/acting-user.ts';
import { wholeOutput } from '../base/whole-output.ts';
import { StepFailure } from '../run/failure.ts';

/** A file that a hook has named. */
export interface NamedFile {
  path: string;
  /** whom the hook ran as; null: as we are */
  user: string | null;
}

const askMs = 30_000;
/** The kernel's limit (PATH_MAX): a longer line is no path. */
const maxPath = 4096;

/**
 * What is to be read of a file that a hook has named: with its user's rights, or that user's code would have root show it any
 * file of the machine.
 * @returns the path, where the rights are ours; null: it is no file that the hook may read
 */
export async function openNamed({ path, user }: NamedFile, signal: AbortSignal): Promise<string | Readable | null> {
  if (path.length > maxPath || path.includes('\0')) return null;
  const reader = await readerFor(user);
  if (reader === ourselves) return (await isFile(path)) ? path : null;
  const asked = ['test', '-f', path, '-a', '-r', path] as const;
  const { code } = await reader.exec(asked, { timeoutMs: askMs, signal, cwd: '/' });
  if (code !== 0) return null;
  // It may have become a pipe meanwhile: nobody waits for whoever would write into that.
  const command = ['dd', `if=${path}`, 'iflag=nonblock', 'bs=256K', 'status=none'] as const;
  const child = await reader.startFed(command, { signal, env: { LC_ALL: 'C' } });
  return wholeOutput(child, (said) => new StepFailure('hook', `cannot read ${path} as ${user}: ${said.trim()}`));
}

async function readerFor(user: string | null): Promise<ActingUser> {
  if (user === null) return ourselves;
  const account = await accountOfUser(user);
  if (account === null) throw new StepFailure('hook', `there is no user ${user} any more`);
  return account.uid === process.geteuid?.() ? ourselves : otherUser({ ...account, groups: 'all' });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
