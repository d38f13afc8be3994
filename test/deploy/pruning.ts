import { readdir } from 'node:fs/promises';
import type { PruneReport } from '../../lib/deployer/prune-report.ts';
import type { StartedProcess } from '../../lib/base/exec.ts';
import type { TestContext } from '../suite.ts';
import { buildId, type Called, makeSite, type Site, until } from './site.ts';

/** Runs `cutover prune`. */
export function prune(site: Site, ...words: string[]): Promise<Called<PruneReport>> {
  return site.call<PruneReport>('prune', words);
}

/** The names of the builds that a report says are gone, or would be, oldest first. */
export function gone({ removed }: PruneReport): string[] {
  const builds = removed.filter(({ kind }) => kind === 'build').map(({ name }) => name);
  return builds.toSorted((a, b) => (a < b ? -1 : 1));
}

/** Why a build stays, or undefined where it does not. */
export function whyKept({ kept }: PruneReport, id: string): string | undefined {
  return kept.find((build) => build.id === id)?.reason;
}

/** Everything in the builds directory, sorted. */
export async function namesOnDisk({ sandbox, builds }: Pick<Site, 'sandbox' | 'builds'>): Promise<string[]> {
  return (await readdir(sandbox.hostPath(builds))).toSorted((a, b) => (a < b ? -1 : 1));
}

/** The ids of the site's builds with these numbers. */
export function ids(...numbers: number[]): string[] {
  return numbers.map(buildId);
}

/** Adds good builds and deploys each. @returns their ids */
async function deployMany(site: Site, count: number): Promise<string[]> {
  const added: string[] = [];
  for (let number = 0; number < count; number += 1) {
    added.push(await site.add());
    const { code, stderr } = await site.call('deploy');
    if (code !== 0) throw new Error(`deploy ${number} exited with ${code}: ${stderr}`);
  }
  return added;
}

/**
 * A site whose builds were all deployed, one after the other, and kept; only now is there less to keep.
 * @param count so many were deployed after the first one
 */
export async function siteWithOld(
  t: TestContext,
  { count, keep, service }: { count: number; keep: number; service?: string[] },
): Promise<Site> {
  const site = await makeSite(t, { builds: [{}], keys: ['keep = 100'], ...(service ? { service } : {}) });
  await deployMany(site, count);
  await site.configure({ keys: [`keep = ${keep}`] });
  return site;
}

/** A command that goes on inside until the test ends, or `end` is called; it has said "there" when this returns. */
export async function startInside(
  t: TestContext,
  site: Site,
  ...command: [string, ...string[]]
): Promise<StartedProcess> {
  const child = await site.sandbox.spawn(command);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.ended;
  };
  t.cleanup(end);
  await until('it is there', async () => said.includes('there')).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${said}`);
  });
  return child;
}
