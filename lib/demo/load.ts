import { createInterface } from 'node:readline';
import { CutoverError } from '../base/errors.ts';
import type { StartedProcess } from '../base/exec.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { strangerLetter } from './acts.ts';
import type { Sample } from './observed.ts';
import type { Ground } from './ground.ts';
import { loadSource, requestsPerSecond } from './load-source.ts';
import { put } from './stage.ts';

/** The requests to one port, which go on until the demo ends. */
export interface Load {
  /** all so far, in the order in which they were sent */
  readonly samples: readonly Sample[];
  /** Waits until every request sent before a moment has its answer. */
  settled(untilMs: number): Promise<void>;
}

/**
 * Starts a load where the demo happens, with which it ends: the same requests to each port, at the same moments.
 * @returns a load for each port, in their order
 */
export async function startLoad(ground: Ground, ports: readonly number[], signal: AbortSignal): Promise<Load[]> {
  const program = ground.place('/srv/load/load.mjs');
  await put(ground, program, loadSource);
  // A busy machine must not make the load uneven.
  const [file, ...words] = [...ground.first, process.execPath, program, requestsPerSecond, ...ports].map(String);
  const started = await ground.spawn([file ?? process.execPath, ...words]);
  const said = complaintOf(started);
  const answers = answersOf(started, ports);
  const settled = (wantedMs: number): Promise<void> =>
    withDeadline(
      {
        what: `the load fell silent (${said.text.trim() || 'no message'}): no answers`,
        timeoutMs: wantedMs - Date.now() + 5_000,
        signal,
      },
      async (ended) => {
        await poll({ everyMs: 10, signal: ended }, async () => (answers.untilMs >= wantedMs ? true : undefined));
        // Answers come in another order than requests were sent.
        for (const each of answers.samples.values()) each.sort((a, b) => a.atMs - b.atMs);
      },
    );
  await settled(Date.now()).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CutoverError('sandbox', `the load does not start: ${said.text}`, { cause: error });
  });
  return [...answers.samples.values()].map((each) => ({ samples: each, settled }));
}

/** What was answered at each port, and up to which moment all of it is there. */
function answersOf(
  { stdout }: StartedProcess,
  ports: readonly number[],
): { samples: ReadonlyMap<number, Sample[]>; untilMs: number } {
  const answers = { samples: new Map(ports.map((port): [number, Sample[]] => [port, []])), untilMs: 0 };
  createInterface({ input: stdout }).on('line', (line) => {
    const value = parseLine(line);
    if (!Array.isArray(value)) answers.untilMs = value?.until ?? answers.untilMs;
    else answers.samples.get(value[4])?.push(sampleOf(value));
  });
  return answers;
}

type Answer = [atMs: number, answer: number | string, build: string | null, tookMs: number, port: number];

/** Half a line is what a killed load leaves. */
function parseLine(line: string): Answer | { until: number } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function sampleOf([atMs, answer, build, tookMs]: Answer): Sample {
  if (answer !== 200) return { atMs, answer: 'failed', build, tookMs };
  return { atMs, answer: build === strangerLetter ? 'wrong' : 'ok', build, tookMs };
}

function complaintOf({ stderr }: StartedProcess): { text: string } {
  const said = { text: '' };
  stderr.on('data', (chunk: Buffer) => {
    said.text += chunk.toString();
  });
  return said;
}
