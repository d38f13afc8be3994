import type { Config } from '../../config/model.ts';
import { pathsOf, targetNamed } from '../../deployer/place.ts';
import { report } from '../../deployer/history.ts';
import type { ShownRequest } from '../../report/page/model.ts';
import { readRun } from '../../run/history.ts';
import { isRunId } from '../../run/inputs.ts';
import type { RunRecord } from '../../run/ledger.ts';
import type { StatePaths } from '../../run/state.ts';
import type { Queue } from './queue.ts';
import { readRecord } from './record.ts';
import type { ServeRequest } from './request.ts';

/** What `GET /runs/<id>` answers; null: nobody knows a request or a run of that name. */
export async function tellRun(id: string, { config, queue }: { config: Config; queue: Queue }) {
  const request = queue.find(id);
  if (request) return tellRequest(request, config);
  return isRunId(id) ? tellLedger(id, config) : null;
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

async function tellRequest(request: ServeRequest, config: Config) {
  const { id, target, state, provider, branch, revision, superseded_by, queued_at, started_at, ended_at, error } =
    request;
  const paths = Object.hasOwn(config.targets, target) ? pathsOf(config, targetNamed(config, target)) : null;
  // Where they may not be read, what the receiver knows by itself is told.
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
async function tellLedger(id: string, config: Config) {
  for (const target of Object.values(config.targets)) {
    const paths: StatePaths = pathsOf(config, target);
    const ledger = await readRun(paths, id);
    if (!ledger) continue;
    const { unfinished, ...document } = await report(paths, id);
    const isRunning = unfinished?.state === 'at_work';
    const { started_at, outcome, exit_code, duration_ms } = document;
    const ended_at = isRunning ? null : new Date(Date.parse(started_at) + duration_ms).toISOString();
    const what = {
      id,
      target: target.name,
      state: isRunning ? 'running' : 'done',
      queued_at: started_at,
      started_at,
      ended_at,
    };
    const step = isRunning ? stepOf(ledger) : null;
    const end = isRunning ? { outcome: null, exit_code: null, document: null } : { outcome, exit_code, document };
    return { ...what, run: id, step, ...end, error: null };
  }
  return null;
}

/** The step at work now: the last that was begun and is not over. */
function stepOf(ledger: RunRecord | null): string | null {
  const [name = null, state = 'done'] = [...(ledger?.steps ?? [])].at(-1) ?? [];
  return state === 'done' && ledger?.document ? null : name;
}
