import type { Config } from '../../config/model.ts';
import { pathsOf, targetNamed } from '../../deployer/place.ts';
import { report } from '../../deployer/history.ts';
import type { ShownRequest } from '../../report/page/model.ts';
import { readRun } from '../../run/history.ts';
import { isRunId } from '../../run/inputs.ts';
import type { RunRecord } from '../../run/ledger.ts';
import type { StatePaths } from '../../run/state.ts';
import type { Disks } from '../page/disks.ts';
import { laterSeconds, refuse, refuseForNow } from './answers.ts';
import type { Queue } from './queue.ts';
import { readRecord } from './record.ts';
import type { ServeRequest } from './request.ts';
import type { Routes } from './routes.ts';

export interface RunsParts {
  config: Config;
  queue: Queue;
  /** which file systems can be asked */
  disks: Disks;
}

/** `GET /runs/<id>`: how a request or a run goes, or went. */
export function addRuns(app: Routes, parts: RunsParts): void {
  app.get('/runs/:id', async (c) => {
    const found = await tellRun(c.req.param('id'), parts);
    if (found === 'unread') return refuseForNow(c, 503, laterSeconds, 'the records of runs cannot be read');
    if (found) return c.json(found, 200, { 'Cache-Control': 'no-store' });
    return refuse(c, 404, { code: 'unknown_run', message: 'there is no request or run of that name' });
  });
}

/** @returns null: nobody knows a request or a run of that name; `unread`: it may be on a file system that hangs */
async function tellRun(id: string, parts: RunsParts) {
  const request = parts.queue.find(id);
  if (request) return tellRequest(request, parts);
  return isRunId(id) ? tellLedger(id, parts) : null;
}

/** For the page: what was asked for and is not over, with the hook that is at work. */
export function openRequests(config: Config, queue: Queue): (target: string) => Promise<ShownRequest[]> {
  return async (target) => {
    const open = queue.open().filter((request) => request.target === target);
    const paths = pathsOf(config, targetNamed(config, target));
    const shown = open.map(async ({ id, state, branch, revision, queued_at }): Promise<ShownRequest> => {
      const isRunning = state === 'running';
      const record = isRunning ? await readRecord(paths, id) : null;
      const what = { id, state: isRunning ? ('running' as const) : ('queued' as const) };
      return { ...what, branch, revision, queued_at, stage: record?.stage ?? null };
    });
    return Promise.all(shown);
  };
}

/** What a read of a file system that hangs takes is gone: one of Node's threads, or all of this process. */
function isAnswering({ directory }: StatePaths, { verifyAnswer }: Disks): Promise<boolean> {
  return verifyAnswer(directory).then(
    () => true,
    () => false,
  );
}

async function tellRequest(request: ServeRequest, { config, disks }: RunsParts) {
  const { id, target, state, provider, branch, revision, superseded_by, queued_at, started_at, ended_at, error } =
    request;
  const known = Object.hasOwn(config.targets, target) ? pathsOf(config, targetNamed(config, target)) : null;
  // Where they may not or cannot be read, what the receiver knows by itself is told.
  const paths = known && (await isAnswering(known, disks)) ? known : null;
  const record = paths && (await readRecord(paths, id).catch(() => null));
  const run = request.run ?? record?.run ?? null;
  const ledger = paths && run !== null && isRunId(run) ? await readRun(paths, run).catch(() => null) : null;
  const document = record?.document ?? (state === 'done' ? (ledger?.document ?? null) : null);
  const step = state === 'running' ? (record?.stage ?? stepOf(ledger)) : null;
  const what = { id, target, state, provider, branch, revision, superseded_by, queued_at, started_at, ended_at };
  const outcome = request.outcome ?? document?.outcome ?? null;
  return { ...what, run, step, outcome, exit_code: request.exit_code, document, error };
}

/** A run that did not begin with a request: its ledger has it all. */
async function tellLedger(id: string, { config, disks }: RunsParts) {
  let isUnread = false;
  for (const target of Object.values(config.targets)) {
    const paths = pathsOf(config, target);
    if (await isAnswering(paths, disks)) {
      const ledger = await readRun(paths, id);
      if (ledger) return tellFound(ledger, { target: target.name, paths });
    } else isUnread = true;
  }
  return isUnread ? 'unread' : null;
}

async function tellFound(ledger: RunRecord, { target, paths }: { target: string; paths: StatePaths }) {
  const { run } = ledger.inputs;
  const { unfinished, ...document } = await report(paths, run);
  const isRunning = unfinished?.state === 'at_work';
  const { started_at, outcome, exit_code, duration_ms } = document;
  const ended_at = isRunning ? null : new Date(Date.parse(started_at) + duration_ms).toISOString();
  const state = isRunning ? 'running' : 'done';
  const what = { id: run, target, state, queued_at: started_at, started_at, ended_at };
  const step = isRunning ? stepOf(ledger) : null;
  const end = isRunning ? { outcome: null, exit_code: null, document: null } : { outcome, exit_code, document };
  return { ...what, run, step, ...end, error: null };
}

/** The step at work now: the last that was begun and is not over. */
function stepOf(ledger: RunRecord | null): string | null {
  const [name = null, state = 'done'] = [...(ledger?.steps ?? [])].at(-1) ?? [];
  return state === 'done' && ledger?.document ? null : name;
}
