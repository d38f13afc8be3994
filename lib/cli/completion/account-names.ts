import { readFile } from 'node:fs/promises';
import type { Candidate } from './candidates.ts';

const files = { user: '/etc/passwd', group: '/etc/group' } as const;

/** The users or groups of this machine; those that the distribution made for its services last. */
export async function accountNames(kind: keyof typeof files): Promise<Candidate[]> {
  const lines = (await readFile(files[kind], 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => {
    const [value = '', , id] = line.split(':');
    // Debian's policy: below are the accounts that packages make, and 65534 is nobody's.
    return { value, isLast: Number(id) < 1000 || Number(id) === 65_534 };
  });
}
