import { isCutoverError, messageOf } from '../../base/errors.ts';
import { sleep } from '../../base/wait.ts';
import type { Config } from '../../config/model.ts';
import { readRun } from '../../run/history.ts';
import { type StatePaths, statePaths } from '../../run/state.ts';
import { startTransientOneshot } from '../../systemd/oneshot.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { readRecord, type RequestRecord } from './record.ts';
import { type RequestError, requestUnit, type ServeRequest } from './request.ts';
import type { Command } from '../../base/exec.ts';

/** What a request came to. */
export type Result = Pick<ServeRequest, 'run' | 'outcome' | 'exit_code' | 'error'>;

/**
 * Has systemd carry a request out, and waits for its end. To ask twice for the same one is safe: one that is at work is
 * waited for, one that has ended is not begun again.
 * @throws the signal's reason when the receiver ends; the run goes on
 */
export type Launch = (request: Pick<ServeRequest, 'id' | 'target'>) => Promise<Result>;

export interface LaunchParts {
  config: Config;
  systemd: Systemd;
  signal: AbortSignal;
  /** carries a request out where `cutover-request@.service` is not installed; `app/target/id` is its last word */
  command: Command;
  /** what that command needs to know of its surroundings */
  environment: Record<string, string>;
  /** told what keeps runs from being started, and null once one was */
  onProblem: (problem: string | null) => void;
}

/** A deploy that waits for another, with hooks and a database, may take hours; systemd itself sets it no limit. */
const mostMs = 24 * 60 * 60_000;
const retryMs = 2_000;
/** One whose process was killed, or never came, is begun again, to find out what became of it: no oftener than this. */
const mostStarts = 5;

/** Makes what starts requests and follows them. */
export function launcher(parts: LaunchParts): Launch {
  return async ({ id, target }) => {
    const { config, signal, onProblem } = parts;
    const paths = statePaths({ state: config.state, app: config.app, target });
    let run: string | null = null;
    for (let starts = 0; starts < mostStarts; ) {
      const refusal = await start(parts, requestUnit(config, target, id), [config.app, target, id].join('/'));
      signal.throwIfAborted();
      if (refusal === 'later') {
        await sleep(retryMs, signal);
        continue;
      }
      if (refusal) return { ...nothing, error: refusal };
      onProblem(null);
      const record = await readRecord(paths, id).catch(unreadable);
      if (record && 'mend' in record) return { ...nothing, error: record };
      if (record?.ended_at) return resultOf(record);
      // At a shutdown a start is canceled before its process is there, and this one hears of it while it still runs.
      run = record?.run ?? null;
      starts += 1;
      await sleep(retryMs, signal);
    }
    return unrecorded(paths, { run, unit: requestUnit(config, target, id) });
  };
}

const nothing: Result = { run: null, outcome: null, exit_code: null, error: null };

function resultOf({ run, document, exit_code, error }: RequestRecord): Result {
  return { run: document?.run ?? run, outcome: document?.outcome ?? null, exit_code, error };
}

/** Where what a request came to could not be written down, the ledger of its run may say it. */
async function unrecorded(paths: StatePaths, { run, unit }: { run: string | null; unit: string }): Promise<Result> {
  const ledger = run === null ? null : await readRun(paths, run).catch(() => null);
  const document = ledger?.document ?? null;
  if (document === null || document.outcome === 'interrupted') return { ...nothing, run, error: leftNothing(unit) };
  return { run, outcome: document.outcome, exit_code: document.exit_code, error: null };
}

/** @returns null: it was carried out, or tried; `later`: systemd cannot be asked now */
async function start(
  { systemd, signal, command, environment, onProblem }: LaunchParts,
  unit: string,
  name: string,
): Promise<RequestError | 'later' | null> {
  const bounds = { timeoutMs: mostMs, signal };
  try {
    await systemd.start(unit, bounds).catch((error: unknown) => {
      if (!isCutoverError(error, 'no_such_unit')) throw error;
      const what = { unit, command: [...command, name] as Command, description: name, environment };
      return startTransientOneshot(systemd, what, bounds);
    });
    return null;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    onProblem(`runs cannot be started: ${messageOf(error)}`);
    if (isCutoverError(error, 'permission', 'unit_masked'))
      return { code: error.code, message: error.message, mend: startMend };
    return 'later';
  }
}

/** What a request came to is beside the records of runs, which are root's. */
function unreadable(error: unknown): RequestError {
  const code = isCutoverError(error) ? error.code : 'failed';
  const mend = 'AmbientCapabilities=CAP_DAC_READ_SEARCH, as in units/cutover-serve.service';
  return { code, message: `it was carried out, and what it came to cannot be read: ${messageOf(error)}`, mend };
}

const startMend = 'sudo cutover init --install; units/cutover-serve.service says which rule the receiver needs';

function leftNothing(unit: string): RequestError {
  const message = `${unit} ended without a word of what it did`;
  return { code: 'failed', message, mend: `journalctl -u '${unit}'` };
}
