import { CutoverError, isCutoverError } from '../../base/errors.ts';
import { sleep } from '../../base/wait.ts';
import type { Message } from './channel.ts';
import { cut } from './cut.ts';
import { connectionProblem, post, type Reply } from './post.ts';

/** How long one try may take, and the pauses between the tries: as many more tries as there are pauses. */
export interface Patience {
  timeoutMs: number;
  pausesMs: readonly number[];
  /** nothing is waited for beyond this moment (`performance.now()`) */
  until: number;
}

/** What came of one try; `retryMs` null: there is no use in another one. */
interface Try {
  problem: string | null;
  /** 0: as soon as the pause allows */
  retryMs: number | null;
}

/**
 * Sends a message until it is taken. What the other side says cannot be done is not tried again; what it has no time for is
 * tried when it says. A try whose answer was lost may have been taken: told twice is better than not at all.
 * @returns null: it was taken; otherwise why the other side refuses this message, which says nothing about the next one
 * @throws `refused` with what was wrong last; the signal's reason
 */
export async function send(message: Message, patience: Patience, signal: AbortSignal): Promise<string | null> {
  const { pausesMs, until } = patience;
  for (let tries = 0; ; tries += 1) {
    const { problem, retryMs } = await tryOnce(message, patience, signal);
    if (problem === null || retryMs === null) return problem;
    const pauseMs = pausesMs[tries];
    if (pauseMs === undefined) throw new CutoverError('refused', problem);
    const waitMs = Math.max(retryMs, pauseMs);
    if (performance.now() + waitMs > until) throw new CutoverError('refused', problem);
    await sleep(waitMs, signal);
  }
}

async function tryOnce(message: Message, { timeoutMs, until }: Patience, signal: AbortSignal): Promise<Try> {
  try {
    const left = Math.max(1, Math.min(timeoutMs, until - performance.now()));
    return judge(await post(message, Math.round(left), signal));
  } catch (error) {
    signal.throwIfAborted();
    if (isCutoverError(error, 'config')) throw error;
    const problem = isCutoverError(error) ? error.message : connectionProblem(error);
    return { problem, retryMs: 0 };
  }
}

function judge({ status, headers, text }: Reply): Try {
  if (status >= 200 && status < 300) return { problem: null, retryMs: null };
  const said = reasonIn(text, headers['content-type'] ?? '');
  const problem = `answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 429) {
    const waitMs = waitIn(text, headers['retry-after']);
    return {
      problem: waitMs === 0 ? problem : `${problem} (to be asked again in ${Math.ceil(waitMs / 1000)} s)`,
      retryMs: waitMs,
    };
  }
  if (status >= 300 && status < 400)
    return { problem: `${problem}, which leads elsewhere and is not followed`, retryMs: null };
  return { problem, retryMs: status >= 500 ? 0 : null };
}

/** What is longer is cut once its secrets are hidden: half a secret could not be known again. Slack says it in a word of plain text, Telegram in `description`, Discord in `message`. A page for people says nothing. */
function reasonIn(text: string, type: string): string {
  const fields = fieldsIn(text);
  const said = [fields.description, fields.message, fields.error].find((value) => typeof value === 'string');
  if (typeof said === 'string') return cut(said, 2_000);
  return type.startsWith('text/plain') && !text.includes('\n') ? cut(text, 2_000) : '';
}

/** How long to wait after a 429: the header that all have (RFC 9110, 10.2.3), and the fields of Telegram and Discord. */
function waitIn(text: string, header: string | undefined): number {
  const fields = fieldsIn(text);
  const { retry_after: ofTelegram } = (fields.parameters ?? {}) as Record<string, unknown>;
  const seconds = [Number(header), Number(ofTelegram), Number(fields.retry_after)].filter((value) => value > 0);
  const date = Date.parse(header ?? '') - Date.now();
  const waits = [...seconds.map((value) => value * 1000), ...(/[a-z]/i.test(header ?? '') && date > 0 ? [date] : [])];
  return Math.ceil(Math.max(0, ...waits));
}

function fieldsIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
