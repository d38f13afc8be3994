import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isCutoverError } from '../base/errors.ts';
import type { Contents } from './contents.ts';
import { clearIncoming, type IncomingFolder, openIncoming } from './intake/incoming.ts';
import { closeImplied } from './intake/implied.ts';
import { complaint, refusal } from './intake/refusal.ts';
import { publish } from './intake/publish.ts';
import { verifyTree } from './intake/tree-check.ts';
import { type IntakeProgress, unpack } from './intake/unpack.ts';
import type { Manifest } from './manifest.ts';
import { linkShared, type Sharing, type SharedLink } from './sharing.ts';

export type { IntakeProgress } from './intake/unpack.ts';

/** What is taken in, and what is known of it. */
export interface Intake {
  source: AsyncIterable<Buffer>;
  /** what the archive's digest has to be, in hexadecimal; null: whatever comes */
  sha256: string | null;
  /** null: what the archive says itself, where `git archive` made it */
  revision: string | null;
  branch: string | null;
  /** what all builds have links to; null: nothing */
  sharing: Sharing | null;
  signal: AbortSignal;
  onProgress: (progress: IntakeProgress) => void;
}

export interface TakenIn {
  id: string;
  path: string;
  manifest: Manifest;
  /** the one folder that holds everything, where it is so: a unit may look for its files one folder higher */
  onlyFolder: string | null;
  /** links that the build lacks, since it has something of its own in their place */
  taken: SharedLink[];
}

/** A disk that is full to the last byte stops the service too. */
const spareShare = 0.02;

/**
 * Takes an archive in as a new build: unpacked in a folder of its own, nothing of it trusted, compared with its digest,
 * on the disk, and only then under the name of a build. Whatever goes wrong, nothing of it stays.
 * @param builds the builds directory
 * @throws `no_build` for an archive that is not to be taken in; `disk`, `permission`; the signal's reason when aborted
 */
export async function takeIn(
  builds: string,
  { source, sha256, revision, branch, sharing, signal, onProgress }: Intake,
): Promise<TakenIn> {
  await clearLeftOver(builds, signal);
  const folder = await openIncoming(builds, signal);
  try {
    const room = await roomIn(builds);
    const unpacked = await unpack(source, folder, { signal, room, onProgress });
    if (sha256 !== null) verifyDigest(unpacked.sha256, sha256);
    if (unpacked.isUnreadable) await makeReadable(folder, signal);
    const { implied, replaced } = unpacked;
    const found = await verifyTree(folder, unpacked, signal);
    const contents = await closeImplied(folder, { implied, contents: found }, signal);
    const origin = { sourceSha256: unpacked.sha256, revision: revision ?? unpacked.commit, branch };
    const taken = sharing === null ? [] : await linkShared(folder.path, sharing, signal);
    const mode = await modeFor(builds);
    const { id, manifest } = await publish(builds, folder, { contents, replaced, source: origin, mode, signal });
    return { id, path: join(builds, id), manifest, onlyFolder: onlyFolderIn(contents), taken };
  } finally {
    await folder.close();
  }
}

/** What may not be removed must not keep a new build out. */
async function clearLeftOver(builds: string, signal: AbortSignal): Promise<void> {
  await clearIncoming(builds, signal).catch((error: unknown) => {
    if (!isCutoverError(error, 'permission', 'failed')) throw error;
  });
}

async function roomIn(builds: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(builds);
  return Math.max(0, bavail * bsize - blocks * bsize * spareShare);
}

function verifyDigest(came: string, expected: string): void {
  if (came === expected) return;
  throw refusal(`the archive has another checksum: ${came} came, ${expected} was to come`, { mend: 'send it again' });
}

/** An archive may hold files and folders that not even their owner may read. */
async function makeReadable({ path, owner }: IncomingFolder, signal: AbortSignal): Promise<void> {
  const command = ['chmod', '--recursive', 'u+rwX', '--', path] as const;
  const { code, stderr } = await owner.exec(command, { timeoutMs: 10 * 60_000, signal, env: { LC_ALL: 'C' } });
  if (code !== 0) throw complaint(stderr, 'cannot change', path);
}

/** Who may look into the builds directory may look into the build; only its owner writes. */
async function modeFor(builds: string): Promise<string> {
  const { mode } = await stat(builds);
  return ((mode & 0o755) | 0o700).toString(8);
}

function onlyFolderIn(contents: Contents): string | null {
  const [only, ...others] = [...contents].filter(([name]) => !name.includes('/'));
  return only?.[1].kind === 'directory' && others.length === 0 ? only[0] : null;
}
