import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../lib/base/exec.ts';
import type { Behaviour } from '../services/builds.ts';
import type { TestContext } from '../suite.ts';
import { type Called, calledFrom, makeSite, type Site, type SiteOptions, until } from './site.ts';

/** It comes up when the test lets it go, so there is time to do something to its deployer on a busy machine too. */
export const held = { builds: [{}, { mode: 'held' }], tables: { start: ['timeout = "60s"'] } } satisfies SiteOptions;

/** A build that serves, and is never well. */
export const unwell = { answers: { '/api/health': { status: 503 } } } satisfies Behaviour;

/** Such a build is asked for minutes: however late somebody comes in between, its gate is not over. */
export const neverWell = {
  builds: [{}, unwell],
  tables: { health: ['attempts = 600'] },
} satisfies SiteOptions;

/** The second build of it is held. */
export function heldSite(t: TestContext): Promise<Site> {
  return makeSite(t, held);
}

/** Lets every build that is there come up. */
export async function letGo(site: Site): Promise<void> {
  for (const file of await goFiles(site)) await writeFile(file, '');
}

/** From their next start on builds are held again. */
export async function holdAgain(site: Site): Promise<void> {
  for (const file of await goFiles(site)) await rm(file, { force: true });
}

async function goFiles({ sandbox, builds }: Site): Promise<string[]> {
  const directory = sandbox.hostPath(builds);
  const ids = (await readdir(directory)).filter((name) => name.startsWith('dist.'));
  return ids.map((id) => `${directory}/${id}/go`);
}

/** The first build ignores SIGTERM: its stop takes until it is killed. */
export const slowStop = {
  builds: [{ mode: 'ignore_sigterm' }, {}],
  service: ['TimeoutStopSec=60s'],
} satisfies SiteOptions;

export async function slowToStop(t: TestContext): Promise<Site> {
  const site = await makeSite(t, slowStop);
  endSlowStop(t, site);
  return site;
}

/** Nobody waits for such a build when the test is over. */
export function endSlowStop(t: TestContext, site: Site): void {
  t.cleanup(async () => {
    // Without a stop before it systemd would start it anew.
    await site.sandbox.run('systemctl', 'stop', '--no-block', site.unit);
    // Nothing is left to kill of a unit that was down already.
    await site.sandbox.exec(killOf(site));
  });
}

/** Ends the slow stop once the way back has begun. */
export async function endStop(site: Site): Promise<void> {
  await until('it goes back', async () => (await ledger(site)).includes('"reverting"'));
  await site.sandbox.run(...killOf(site));
}

function killOf({ unit }: Site) {
  return ['systemctl', 'kill', '--signal=KILL', unit] as const;
}

export interface Deploying {
  child: StartedProcess;
  pidInside(): number;
  hasSaid(words: string): Promise<void>;
  /** Lets held builds go, and waits for its end. */
  end(): Promise<Called>;
}

export function startDeploy(site: Site, ...words: string[]): Promise<Deploying> {
  return startRun(site, 'deploy', words);
}

export async function startRun(site: Site, command: string, words: string[] = []): Promise<Deploying> {
  const child = await site.sandbox.startCutover([command, 'production', '--json', '--config', site.config, ...words]);
  let said = '';
  const stdout = text(child.stdout);
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  let pid = 0;
  await until('it holds the target, or waits', async () => {
    pid = Number(/"pid":(\d+)/.exec(await lockText(site))?.[1]);
    return said.includes('waiting') || (await site.sandbox.exec(['test', '-d', `/proc/${pid}`])).code === 0;
  });
  return {
    child,
    pidInside: () => pid,
    hasSaid: (word) => until(`it says "${word}"`, async () => said.includes(word)),
    async end() {
      await letGo(site);
      const { code } = await child.ended;
      return calledFrom({ code, stdout: await stdout, stderr: said });
    },
  };
}

/** A deploy of a build that is held, once its start has begun. */
export async function heldDeploy(t: TestContext): Promise<{ site: Site; run: Deploying }> {
  const site = await heldSite(t);
  const run = await startDeploy(site);
  await untilBegun(site, 'start');
  return { site, run };
}

/** It went back to that build, and says so. */
export function assertWentBack({ code, document, stderr }: Called, build: string): void {
  assert.equal([code, document.outcome, document.active], [4, 'rolled_back', build], stderr);
}

/**
 * A dead deployer's traces, on a machine whose systemd does not clean up after it. Held builds come up from then on.
 * @param step it dies once this step has begun
 * @param command what it was doing
 * @param ready waits for what else is to be there before that
 */
export async function leaveBehind(
  site: Site,
  step = 'start',
  command = 'deploy',
  ready: () => Promise<void> = async () => {},
): Promise<void> {
  const unguarded = { env: { CUTOVER_IN_SETTLE_UNIT: '1' } };
  await holdAgain(site);
  const child = await site.sandbox.startCutover([command, 'production', '--config', site.config], unguarded);
  child.stdout.resume();
  child.stderr.resume();
  await untilBegun(site, step);
  await ready();
  child.kill('SIGKILL');
  await child.ended;
  await letGo(site);
  assert.ok((await readdir(site.sandbox.hostPath(site.state))).includes('in-flight'));
}

export async function untilBegun(site: Site, step: string): Promise<void> {
  await until(`${step} has begun`, async () => (await ledger(site)).includes(`"name":"${step}","state":"intended"`));
}

/** The stop has begun, and systemd waits for the old build. */
export async function untilStopping(site: Site): Promise<void> {
  await untilBegun(site, 'stop');
  await until('the old build is told to stop', async () => (await subState(site)) === 'stop-sigterm');
}

export function subState({ sandbox, unit }: Site): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=SubState', '--value', unit);
}

export async function untilSettled({ sandbox, state }: Site): Promise<void> {
  await until('the run is settled', async () => !(await readdir(sandbox.hostPath(state))).includes('in-flight'));
}

/** The newest ledger while its run is in flight; empty otherwise. */
export async function ledger({ sandbox, state }: Site): Promise<string> {
  const directory = sandbox.hostPath(state);
  const mark = await readFile(`${directory}/in-flight`, 'utf8').catch(() => '');
  const run = /"run":"([^"]+)"/.exec(mark)?.[1];
  return run === undefined ? '' : readFile(`${directory}/runs/${run}.jsonl`, 'utf8');
}

export function lockText({ sandbox, state }: Site): Promise<string> {
  return readFile(`${sandbox.hostPath(state)}/lock`, 'utf8').catch(() => '');
}
