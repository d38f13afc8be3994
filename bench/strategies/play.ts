import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunDocument } from '../../lib/run/document.ts';
import { nextBuild } from '../bed.ts';
import { runToEnd, sleep, time, type Timed } from '../process.ts';
import { addBuild, archiveOf, currentOf, putBack, type Service, servedBy } from './bed.ts';
import type { Kind, Mode, Tool } from './model.ts';
import type { Stretch } from './seen.ts';

const cutover = [process.execPath, '/srv/cutover/bin/cutover.js'] as const;
/** The load goes on so long after the command before the next begins. */
const tailMs = 300;
const settleTimeoutMs = 60_000;
/** A script that left a bad build behind is watched for so long after its begin. */
const giveUpMs = 5_000;

/** One thing that was done. */
export interface Played {
  stretch: Stretch;
  exitCode: number | null;
  ms: number;
  /** how long each step of the run took; for the progress alone */
  steps: string;
  problem: string | null;
}

export interface Order {
  service: Service;
  tool: Tool;
  kind: Exclude<Kind, 'quiet'>;
  /** for `killed`: how long the deployer may live */
  killAfterMs: number;
}

type Ended = Pick<Timed, 'exitCode' | 'output'>;

const now = (): number => performance.timeOrigin + performance.now();

/** Does one thing under the load that goes on, and looks whether it ended as it should. */
export async function play(order: Order): Promise<Played> {
  const { service, tool } = order;
  const from = await currentOf(service);
  const mode: Mode = order.kind === 'rollback' || order.kind === 'killed' ? 'good' : order.kind;
  const isScript = tool === 'floor' || tool === 'old script';
  const to = isScript || order.kind === 'rollback' ? nextBuild() : await addBuild(service, mode);
  const fromMs = now();
  const { exitCode, output } = isScript ? await runScript(order, to, mode) : await runCutover(order, to);
  const ms = now() - fromMs;
  const isDead = tool === 'floor' && mode !== 'good';
  await sleep(tailMs + (isDead ? Math.max(0, giveUpMs - ms) : 0));
  const done = { stretch: { fromMs, toMs: now() }, exitCode, ms, steps: stepsIn(output) };
  if (!isDead) return { ...done, problem: await problemOf(order, { from, to, exitCode }) };
  await putBack(service, from);
  return { ...done, problem: null };
}

/** The app's own stop and start-up in a stretch, by its own clock; null unless it did just one of each. */
export async function ownTimeOf({ lifeFile }: Service, { fromMs, toMs }: Stretch): Promise<number | null> {
  const lines = (await readFile(lifeFile, 'utf8')).split('\n').filter(Boolean);
  const events = lines.map((line) => JSON.parse(line) as { event: string; at: number });
  const moment = (wanted: string): number => {
    const found = events.filter(({ event, at }) => event === wanted && at >= fromMs && at < toMs);
    return found.length === 1 ? (found[0]?.at ?? Number.NaN) : Number.NaN;
  };
  const ownMs = moment('exit') - moment('sigterm') + moment('listening') - moment('exec');
  return Number.isNaN(ownMs) ? null : ownMs;
}

function runScript({ service, tool }: Order, build: string, mode: Mode): Promise<Ended> {
  const { unit, builds, port, name } = service;
  const script = join(import.meta.dirname, '..', tool === 'floor' ? 'floor.sh' : 'old-script.sh');
  return time(['bash', script, unit, builds, archiveOf(mode), build, String(port), name]);
}

async function runCutover({ service, kind, killAfterMs }: Order, build: string): Promise<Ended> {
  const words = kind === 'rollback' ? ['rollback', service.name] : ['deploy', service.name, build];
  const command = [...cutover, ...words, '--json', '--quiet'];
  if (kind !== 'killed') return time(command);
  const child = spawn(command[0] as string, command.slice(1), { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await sleep(killAfterMs);
  child.kill('SIGKILL');
  const [exitCode] = (await ended) as [number | null];
  await untilSettled(service);
  return { exitCode, output: `killed after ${killAfterMs.toFixed(0)} ms` };
}

/** The steps in the document that cutover printed among its other lines. */
function stepsIn(output: string): string {
  const line = output.split('\n').find((text) => text.startsWith('{"run"'));
  if (line === undefined) return output.startsWith('killed') ? output : '';
  const { steps } = JSON.parse(line) as RunDocument;
  return steps.map(({ name, duration_ms }) => `${name} ${duration_ms}`).join(', ');
}

/** systemd ends the run: nobody here does anything for it. */
async function untilSettled({ name }: Service): Promise<void> {
  const deadline = performance.now() + settleTimeoutMs;
  const mark = `/var/lib/cutover/bench/${name}/in-flight`;
  const isOver = async (): Promise<boolean> => {
    if (await isThere(mark)) return false;
    const units = await runToEnd(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'cutover-*']);
    return units.trim() === '';
  };
  while (!(await isOver())) {
    if (performance.now() > deadline) throw new Error(`${name}: the killed run was not settled`);
    await sleep(20);
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A measurement of a deploy that did not do its work would be worth nothing. */
async function problemOf(
  { service, tool, kind }: Order,
  { from, to, exitCode }: { from: string; to: string; exitCode: number | null },
): Promise<string | null> {
  const [current, served] = await Promise.all([currentOf(service), servedBy(service)]);
  const problems = [];
  if (served !== current) problems.push(`${served} serves, and current is ${current}`);
  if (kind === 'good' && current !== to) problems.push('the good build is not current');
  if (isBad(kind) && current !== from) problems.push('the build before is not current');
  if (kind === 'rollback' && current === from) problems.push('current did not move');
  const expected = isBad(kind) ? 4 : 0;
  if (kind !== 'killed' && exitCode !== expected) problems.push(`exit ${exitCode} in place of ${expected}`);
  return problems.length === 0 ? null : `${tool}, ${kind}: ${problems.join('; ')}`;
}

const isBad = (kind: Kind): boolean => kind === 'crash' || kind === 'sick' || kind === 'dies';
