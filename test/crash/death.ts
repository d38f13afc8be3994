import { readdir, readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import type { LedgerLine } from '../../lib/run/ledger.ts';
import type { Site } from '../deploy/site.ts';
import { untilEnded } from './ended.ts';
import { outcomeOf } from './truth.ts';
import { give, obedient, type Orders, type ProcessRecord, recordsOf } from './orders.ts';

/** How a process died, or ended, and what it left. */
export interface Death {
  signal: NodeJS.Signals | null;
  code: number | null;
  /** what it printed */
  said: string;
  /** what the process did until then */
  own: ProcessRecord;
  /** the settles that systemd ran after it */
  settles: ProcessRecord[];
  /** the run's ledger as the dead process left it; null: no run had begun */
  ledger: LedgerLine[] | null;
}

/** Starts a command, with orders to die, and waits until nothing goes on any more. */
export async function endedBy(
  site: Site,
  command: 'deploy' | 'rollback' | 'recover-one',
  orders: Orders,
  words: string[] = [],
): Promise<Death> {
  const before = new Set(await runsOf(site));
  await give(site, orders);
  const args = [command, 'production', ...words, '--json', '--config', site.config];
  const child = await site.sandbox.startCutover(args, { env: obedient });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const { code, signal } = await child.ended;
  // Each settle that is killed too takes its time.
  await untilEnded(site, 30_000 + 10_000 * (orders.settle?.length ?? 0));
  const [run] = (await runsOf(site)).filter((name) => !before.has(name));
  const [own, ...others] = (await recordsOf(site)).toSorted((one) => (one.command === command ? -1 : 1));
  assert.ok(own, `${command} did not obey`);
  const lines = own.passed.filter(({ moment }) => moment.startsWith('line ')).length;
  const ledger = run === undefined ? null : (await readLines(site, run)).slice(0, lines);
  return { signal, code, said, own, settles: others, ledger };
}

/**
 * Fails unless it died as it was told to, or ended with that code before the moment came.
 * @returns whether it died
 */
export function hasDied(death: Death, code = 0): boolean {
  const hasCome = death.own.passed.some(({ signal }) => signal !== '');
  if (!hasCome && death.code === code) return false;
  assertKilled(death);
  return true;
}

/** Fails unless it died as it was told to. */
export function assertKilled({ signal, code, said }: Death): void {
  assert.is(signal, 'SIGKILL', `it was not killed but ended with ${code}: ${said}`);
}

/** All moments of a run that nobody kills. A slow one may have a few that others have not. */
export async function momentsOf(
  site: Site,
  command: 'deploy' | 'rollback' | 'recover-one',
): Promise<ProcessRecord['passed']> {
  // A scope that is on its way out would be tried again and again.
  await untilEnded(site);
  const { own, settles } = await endedBy(site, command, {});
  assert.equal(settles, [], 'a run that ended needs no settle');
  return own.passed;
}

/** The newest run as the history tells it. */
export async function newestRun(site: Site): Promise<RunDocument> {
  return (await site.call('report')).document;
}

/** The same without a program: a run that ended has it in its ledger, and only one that never began in earnest has not. */
export async function endOfNewestRun(site: Site): Promise<RunDocument> {
  return outcomeOf(await newestLedger(site)) ?? newestRun(site);
}

/** The lines of the newest run. */
export async function newestLedger(site: Site): Promise<LedgerLine[]> {
  return readLines(site, (await runsOf(site)).toSorted().at(-1) ?? '');
}

async function runsOf({ sandbox, state }: Site): Promise<string[]> {
  return readdir(sandbox.hostPath(`${state}/runs`)).catch(() => []);
}

async function readLines({ sandbox, state }: Site, name: string): Promise<LedgerLine[]> {
  const text = await readFile(sandbox.hostPath(`${state}/runs/${name}`), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LedgerLine);
}
