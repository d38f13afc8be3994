import { CutoverError } from './errors.ts';
import { withDeadline } from './wait.ts';

/** Whatever can be told of a log or a page at all is told by then. */
const matchingMs = 5_000;

/** Without repetitions and choices inside of brackets there is one way to look at each place of a text. */
const mayBeSlow = /[*+?{(]/;

/** What the other thread runs. */
const search = `const { parentPort, workerData } = require('node:worker_threads');
const pattern = new RegExp(workerData.pattern);
parentPort.postMessage(workerData.texts.flatMap((text, at) => (pattern.test(text) ? [at] : [])));`;

/**
 * Which of the texts a pattern of the configuration matches, by their places. Some patterns take longer than anybody lives for
 * some texts, and nothing else would be done meanwhile: such a one is tried on a thread that can be ended.
 * @throws `timeout` after `timeoutMs`; the signal's reason
 */
export async function matchesOf(
  pattern: string,
  texts: readonly string[],
  { signal, timeoutMs = matchingMs }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<number[]> {
  if (texts.length === 0) return [];
  if (!mayBeSlow.test(pattern)) {
    const plain = new RegExp(pattern);
    return texts.flatMap((text, at) => (plain.test(text) ? [at] : []));
  }
  const deadline = { what: `the pattern ${pattern} came to no end`, timeoutMs, ...(signal ? { signal } : {}) };
  return withDeadline(deadline, (ended) => matchOnThread(pattern, texts, ended));
}

async function matchOnThread(pattern: string, texts: readonly string[], signal: AbortSignal): Promise<number[]> {
  const { Worker } = await import('node:worker_threads');
  signal.throwIfAborted();
  const thread = new Worker(search, { eval: true, execArgv: [], workerData: { pattern, texts } });
  const end = (): void => void thread.terminate();
  signal.addEventListener('abort', end, { once: true });
  return new Promise<number[]>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new CutoverError('refused', `the pattern ${pattern} was not tried to its end`)));
  }).finally(() => {
    signal.removeEventListener('abort', end);
    end();
  });
}
