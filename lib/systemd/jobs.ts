import { CutoverError, isCutoverError } from '../base/errors.ts';
import { poll, withDeadline } from '../base/wait.ts';
import type { Bus } from './bus.ts';
import { manager } from './names.ts';

/** How a job ended (`JobRemoved`, org.freedesktop.systemd1(5)); `unknown`: the bus was lost while it ran. */
export type JobResult = 'done' | 'failed' | 'timeout' | 'canceled' | 'dependency' | 'skipped' | 'unknown' | string;

export interface JobOptions {
  /** how long the job itself may take */
  timeoutMs: number;
  signal?: AbortSignal;
}

interface JobRequest {
  /** `StartUnit`, `StopUnit` or `RestartUnit` */
  member: string;
  unit: string;
  bus: Bus;
  /** the number of the unit's job now, asked on a new connection when this one is lost; 0: none */
  facts: () => Promise<number>;
}

/**
 * Queues a job and waits for its own result. `done` says only that systemd did its part:
 * read the unit's facts afterwards.
 * @throws `timeout`, `permission`, `no_such_unit`, `unit_masked`; the signal's reason when aborted
 */
export async function runJob(request: JobRequest, { timeoutMs, signal }: JobOptions): Promise<JobResult> {
  const { member, unit, bus } = request;
  const verb = member.replace('Unit', '').toLowerCase();
  const what = `the ${verb} job of ${unit} did not end`;
  const mend = `systemctl list-jobs; systemctl status ${unit}`;
  // JobRemoved may come before the reply that names the job, so results are kept from before the call.
  const results = collectResults(bus);
  try {
    return await withDeadline({ what, timeoutMs, signal, mend }, async (ended) => {
      const body = [unit, 'replace'];
      const [job] = await bus.call({ ...manager, member, signature: 'ss', body, about: unit });
      return results.of(String(job), ended);
    });
  } catch (error) {
    if (!isCutoverError(error, 'bus_lost')) throw error;
    return afterLoss(request, { timeoutMs, signal });
  } finally {
    results.stop();
  }
}

/** PID 1 finishes a job whether or not anybody listens: look again until the unit has none. */
async function afterLoss({ unit, facts }: JobRequest, { timeoutMs, signal }: JobOptions): Promise<JobResult> {
  return withDeadline({ what: `the job of ${unit} did not end`, timeoutMs, signal }, (ended) =>
    poll({ everyMs: 50, signal: ended }, async () => ((await facts()) === 0 ? 'unknown' : undefined)),
  );
}

function collectResults(bus: Bus): { of(job: string, ended: AbortSignal): Promise<JobResult>; stop(): void } {
  const known = new Map<string, JobResult>();
  const waiting = new Map<string, (result: JobResult) => void>();
  const stop = bus.onSignal(({ member, body }) => {
    if (member !== 'JobRemoved') return;
    const [, job, , result] = body as [number, string, string, string];
    known.set(job, result);
    waiting.get(job)?.(result);
  });
  const of = (job: string, ended: AbortSignal): Promise<JobResult> =>
    new Promise((resolve, reject) => {
      const early = known.get(job);
      if (early !== undefined) resolve(early);
      waiting.set(job, resolve);
      const fail = (reason: unknown): void => reject(reason as CutoverError);
      bus.lost.addEventListener('abort', () => fail(bus.lost.reason), { once: true });
      ended.addEventListener('abort', () => fail(ended.reason), { once: true });
    });
  return { of, stop };
}
