import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatContents, digestOf } from '../../lib/builds/contents.ts';
import { buildIdFor } from '../../lib/builds/layout.ts';
import { formatManifest } from '../../lib/builds/manifest.ts';
import { time } from '../process.ts';

export const buildCount = 10_000;

/** Makes so many small builds with manifests, as `cutover add` leaves them. */
export function makeBuilds(builds: string): void {
  const first = Date.parse('2025-01-01T00:00:00Z');
  const list = formatContents(new Map([['app.js', { kind: 'file', mode: '644', size: 1, sha256: 'a'.repeat(64) }]]));
  for (let at = 0; at < buildCount; at += 1) {
    const createdAt = new Date(first + at * 61_000);
    const path = join(builds, buildIdFor(createdAt));
    mkdirSync(path);
    writeFileSync(join(path, 'app.js'), 'x');
    writeFileSync(join(path, '.cutover.files'), list);
    const known = { sourceSha256: 'a'.repeat(64), revision: `${at}`, branch: 'main' };
    const manifest = { ...known, files: 1, bytes: 1, createdAt, contentsSha256: digestOf(list) };
    writeFileSync(join(path, '.cutover.json'), formatManifest(manifest));
    if (at === buildCount - 1) symlinkSync(buildIdFor(createdAt), join(builds, 'current'));
  }
}

/** Milliseconds of each of several turns of a command. */
export async function timesOf(command: readonly string[], turns: number): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const { ms, exitCode, output } = await time(command);
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${output}`);
    times.push(ms);
  }
  return times;
}
