import { isCutoverError } from '../base/errors.ts';
import { withDeadline } from '../base/wait.ts';
import { type Bus, unanswered } from './bus.ts';
import { manager } from './names.ts';
import { systemctl } from './typed.ts';

/** How a job ended: done, failed, timeout, canceled, dependency, skipped … (`JobRemoved`, org.freedesktop.systemd1(5)). */
export type JobResult = string;

/**
 * For a job that does nothing of its own, such as that of a scope or a socket. Whoever is not root is let in by polkit, which gives
 * a rule 15 s (polkit(8)).
 */
export const promptJobMs = 25_000;

export interface JobOptions {
  /** how long the job itself may take */
  timeoutMs: number;
  signal?: AbortSignal;
  /** called once systemd has taken it, and its units are loaded */
  onQueued?: () => void;
}

/** A method that answers with a job: `StartUnit`, `StopUnit`, `RestartUnit`, `StartTransientUnit`. */
export interface JobCall {
  member: string;
  signature: string;
  body: unknown[];
  unit: string;
}

/**
 * Queues a job and waits for its own result. `done` says only that systemd did its part:
 * read the unit's facts afterwards.
 * @throws `timeout`, `permission`, `no_such_unit`, `unit_masked`, `bus_lost`; the signal's reason when aborted
 */
export async function runJob(
  bus: Bus,
  { member, signature, body, unit }: JobCall,
  { timeoutMs, signal, onQueued }: JobOptions,
): Promise<JobResult> {
  const what = `${member} of ${unit} did not end`;
  const mend = `${systemctl(bus.kind, 'list-jobs')}; ${systemctl(bus.kind, `status ${unit}`)}`;
  // JobRemoved may come before the reply that names the job, so results are kept from before the call.
  const results = collectResults(bus);
  let isQueued = false;
  try {
    return await withDeadline({ what, timeoutMs, signal, mend }, async (ended) => {
      const [job] = await bus.call({ ...manager, member, signature, body, about: unit });
      isQueued = true;
      onQueued?.();
      return results.of(String(job), ended);
    });
  } catch (error) {
    // A unit whose job never began has had none of its time.
    throw isCutoverError(error, 'timeout') && !isQueued
      ? unanswered(bus.kind, `systemd did not answer ${member} of ${unit} in time`, error)
      : error;
  } finally {
    results.stop();
  }
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
      const fail = (reason: unknown): void => reject(reason);
      bus.lost.addEventListener('abort', () => fail(bus.lost.reason), { once: true, signal: ended });
      ended.addEventListener('abort', () => fail(ended.reason), { once: true });
    });
  return { of, stop };
}
