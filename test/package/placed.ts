import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from '../../lib/base/exec.ts';
import { type Site, makeSite, type SiteOptions } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import type { TestContext } from '../suite.ts';

/** The file alone, inside. */
export const placedFile = '/srv/tools/cutover';
const oldNames = ['pre-deployment-check', 'safe-deploy', 'deploy-with-zero-downtime'];

/** Puts the file alone on the sandbox's disk, with a link to it for each of the old names. */
export async function placeFile(sandbox: TestSandbox): Promise<void> {
  const file = sandbox.hostPath(placedFile);
  await mkdir(dirname(file), { recursive: true });
  await copyFile(join(repository, 'dist/cutover.cjs'), file);
  await chmod(file, 0o755);
  for (const name of oldNames) await symlink('cutover', join(dirname(file), name)).catch(() => {});
}

/** From now on nothing of this repository's program is to be seen inside, until the next boot. */
export async function hideRepository(sandbox: TestSandbox): Promise<void> {
  for (const folder of ['bin', 'dist', 'lib', 'units'])
    await sandbox.run('mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', join(repository, folder));
}

/** The sandbox with another command line in it: what deploys, kills and looks at a site takes that one. */
export function runningBy(sandbox: TestSandbox, executable: string): TestSandbox {
  const command = (words: readonly string[]): Command => [process.execPath, executable, ...words];
  const own: Pick<TestSandbox, 'cutover' | 'startCutover'> = {
    cutover: (words, options) => sandbox.exec(command(words), { timeoutMs: 120_000, ...options }),
    startCutover: (words, options) => sandbox.spawn(command(words), options),
  };
  // What it is on a later boot is asked of the first.
  return Object.assign(Object.create(sandbox) as TestSandbox, own);
}

/** A site on which nothing is deployed yet, for such a command line. */
export async function siteFor(t: TestContext, executable: string, options: SiteOptions): Promise<Site> {
  const site = await makeSite(t, { ...options, isDeployed: false });
  return { ...site, sandbox: runningBy(await sandboxFor(), executable) };
}
