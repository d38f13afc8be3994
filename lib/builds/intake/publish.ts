import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError, errnoOf, fileError } from '../../base/errors.ts';
import type { Command } from '../../base/exec.ts';
import { move, syncDirectory } from '../../base/files.ts';
import { type Contents, digestOf, formatContents } from '../contents.ts';
import { buildIdFor } from '../layout.ts';
import { contentsName, formatManifest, type Manifest, manifestName } from '../manifest.ts';
import { asideName } from '../removal.ts';
import type { IncomingFolder } from './incoming.ts';
import { complaint } from './refusal.ts';

/** What is known of a build before its own files are counted. */
export type Source = Pick<Manifest, 'sourceSha256' | 'revision' | 'branch'>;

/** What an unpacked folder becomes a build with. */
export interface Publication {
  contents: Contents;
  /** names of ours that the archive had files for: they go */
  replaced: ReadonlySet<string>;
  source: Source;
  /** of the build's own folder, in octal digits */
  mode: string;
  signal: AbortSignal;
}

/** A disk that is slow writes a few gigabytes out meanwhile. */
const syncMs = 15 * 60_000;
const commandMs = 60_000;

/**
 * Gives an unpacked folder its manifest, brings all of it to the disk, and only then gives it the name of a build.
 * @throws `disk`, `permission`; the signal's reason when aborted before the build has its name
 */
export async function publish(
  builds: string,
  folder: IncomingFolder,
  { contents, replaced, source, mode, signal }: Publication,
): Promise<{ id: string; manifest: Manifest }> {
  const { path } = folder;
  const run = runnerFor(folder, signal);
  // Whoever made the archive says nothing of who may enter the build: that is the builds directory's business.
  await run(['chmod', `00${mode}`, '--', path]);
  if (replaced.size > 0) await run(['rm', '-f', '--', ...[...replaced].map((name) => join(path, name))]);
  const list = formatContents(new Map([...contents, ['', { kind: 'directory', mode }]]));
  const manifest = manifestOf(contents, { source, list });
  await run(writeCommand(join(path, contentsName)), { input: list });
  await run(writeCommand(join(path, manifestName)), { input: formatManifest(manifest) });
  await run(['sync', '--file-system', '--', path], { timeoutMs: syncMs });
  signal.throwIfAborted();
  return { id: await giveName(builds, path), manifest };
}

/** Runs commands as whoever the folder belongs to. */
function runnerFor(
  { path, owner }: IncomingFolder,
  signal: AbortSignal,
): (command: Command, more?: { input?: string; timeoutMs?: number }) => Promise<void> {
  return async (command, more = {}) => {
    const options = { timeoutMs: commandMs, signal, env: { LC_ALL: 'C' }, ...more };
    const { code, stderr, timedOut } = await owner.exec(command, options);
    if (code !== 0) throw complaint(timedOut ? `${command[0]} takes too long` : stderr, 'cannot write', path);
  };
}

/** Writes its input to a file that must not be there yet. */
function writeCommand(path: string): Command {
  return ['sh', '-c', 'umask 022; exec dd of="$1" conv=excl iflag=fullblock bs=64K status=none', 'sh', path];
}

function manifestOf(contents: Contents, { source, list }: { source: Source; list: string }): Manifest {
  const sizes = [...contents.values()].flatMap((item) => (item.kind === 'file' ? [item.size] : []));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { ...source, files: sizes.length, bytes, createdAt: new Date(), contentsSha256: digestOf(list) };
}

/** rename(2) refuses a build that is there, since it is not empty: so of two that come at once each gets a name of its own. */
async function giveName(builds: string, path: string): Promise<string> {
  const taken = new Set(
    await readdir(builds).catch((error: unknown) => {
      throw fileError(error, 'cannot read', builds);
    }),
  );
  for (let attempt = 0; attempt < 100; attempt += 1) {
    // A build that a prune has set aside may get its name back.
    const id = buildIdFor(new Date(), (name) => taken.has(name) || taken.has(asideName(name)));
    try {
      await move(path, join(builds, id));
      await syncDirectory(builds);
      return id;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
      taken.add(id);
    }
  }
  throw new CutoverError('failed', `no name is free for a build in ${builds}`, { mend: `ls -la ${builds}` });
}
