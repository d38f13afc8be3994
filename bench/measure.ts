import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveOf, currentOf, failedAtPath, here, nextBuild, putBack, tidy } from './bed.ts';
import type { LoadReport } from './load.ts';
import type { BenchApp, Mode, Sample, ToolName } from './model.ts';
import { type LoadMaker, runToEnd, sleep, type Timed, time } from './process.ts';

/** New connections per second: what one small service sees on a busy day. */
export const rate = 300;
/** Load before and after each deploy, so that the change itself is seen from both sides. */
const marginMs = 300;
const giveUpMs = 5_000;
const peakFile = '/run/bench/peak';

const scripts: Record<ToolName, string> = { floor: 'floor.sh', cutover: 'cutover.sh', 'old script': 'old-script.sh' };

export interface Task {
  round: number;
  app: BenchApp;
  tool: ToolName;
}

/** A deploy of a good build while nothing else goes on. */
export async function measureTimed(task: Task): Promise<Sample> {
  await tidy(task.app);
  const build = nextBuild();
  const { ms, exitCode, output } = await deploy(task, { build, mode: 'good' });
  await requireServed(task, build, output);
  return { ...labels(task), kind: 'timed', exitCode, ms, underLoad: null, peakBytes: null, leftBehind: [] };
}

/** A deploy of any build under load; afterwards a good build serves, by hand where the tool left none. */
export async function measureUnderLoad(task: Task, mode: Mode, load: LoadMaker): Promise<Sample> {
  const { app, tool } = task;
  await tidy(app);
  await rm(peakFile, { force: true });
  const [old, build] = [await currentOf(app), nextBuild()];
  load.begin({ port: app.port, rate });
  await sleep(marginMs);
  const beganAt = now();
  const { ms, exitCode, output } = await deploy(
    task,
    { build, mode },
    { PEAK_FILE: tool === 'cutover' ? peakFile : '' },
  );
  const isForGood = mode !== 'good' && tool === 'floor';
  await sleep(marginMs + (isForGood ? Math.max(0, giveUpMs - ms) : 0));
  const report = await load.end();
  const leftBehind = tool === 'cutover' ? await cutoverLeftovers() : [];
  const { sent, failed, gapMs } = report;
  const underLoad = { sent, failed, gapMs, ...(await wayBack(report, { mode, old, beganAt })) };
  const peakBytes = tool === 'cutover' ? Number(await readFile(peakFile, 'utf8')) : null;
  if (mode === 'good') await requireServed(task, build, output);
  else if (tool === 'floor') await putBack(app, old);
  else await requireServed(task, old, output);
  return { ...labels(task), kind: mode, exitCode, ms, underLoad, peakBytes, leftBehind };
}

const labels = ({ round, app, tool }: Task) => ({ round, app: app.name, tool });
const now = (): number => performance.timeOrigin + performance.now();

function deploy({ app, tool }: Task, { build, mode }: { build: string; mode: Mode }, env = {}): Promise<Timed> {
  const { unit, builds, port, name } = app;
  const words = [unit, builds, archiveOf(app, mode), build, String(port), name];
  const tools = { PEAK_SCRIPT: join(here, 'peak.cjs') };
  return time(['bash', join(here, scripts[tool]), ...words], { env: { ...tools, ...env } });
}

/** When the bad build failed, and when the old one was first seen again after that. */
async function wayBack(
  { changes }: LoadReport,
  { mode, old, beganAt }: { mode: Mode; old: string; beganAt: number },
): Promise<{ backAfterFailureMs: number | null; backAfterBeginMs: number | null }> {
  const none = { backAfterFailureMs: null, backAfterBeginMs: null };
  if (mode === 'good') return none;
  const failedAt =
    mode === 'crash'
      ? Number(await readFile(failedAtPath, 'utf8'))
      : changes.find(({ answer, at }) => answer === '500' && at >= beganAt)?.at;
  if (failedAt === undefined) throw new Error('the bad build was never started');
  const back = changes.find(({ answer, at }) => answer === old && at > failedAt);
  return back ? { backAfterFailureMs: back.at - failedAt, backAfterBeginMs: back.at - beganAt } : none;
}

/** A measurement of a deploy that did not do its work would be worth nothing. */
async function requireServed({ app, tool }: Task, build: string, output: string): Promise<void> {
  const body = await runToEnd(['curl', '--silent', '--fail', `http://127.0.0.1:${app.port}/`]).catch(String);
  if (!body.includes(`"${build}"`))
    throw new Error(`${tool}, ${app.name}: ${build} does not serve: ${body}\n${output}`);
}

/** Processes and units of cutover that outlive a deploy. */
async function cutoverLeftovers(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const processes = lines.filter((line) => line.includes('/srv/cutover/')).map((line) => line.replaceAll('\0', ' '));
  const units = await runToEnd(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'cutover-*']);
  return [...processes, ...units.split('\n').filter((line) => line.trim() !== '')];
}
