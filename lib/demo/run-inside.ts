import { createInterface } from 'node:readline';
import type { Command } from '../base/exec.ts';
import { rejectionOf } from '../base/wait.ts';
import type { RunDocument } from '../run/document.ts';
import type { Ground } from './ground.ts';

/** Where the demo's configuration is. Commands are told, since a person's own may lie nearer: folders such as /root are the machine's. */
export const configFile = '/etc/cutover/cutover.toml';

/** What a command of the product left. */
export interface Ran {
  exitCode: number | null;
  run: RunDocument | null;
  /** why there is no run: what the command said instead */
  error: string | null;
}

/**
 * Runs the product's command line inside to its end; it prints its document, and tells the rest line by line.
 * Aborted, it is left to the end of the ground: one kill then ends everything, and in the right order.
 * @throws the signal's reason when aborted
 */
export async function runInside(
  ground: Pick<Ground, 'place' | 'spawn'>,
  command: Command,
  { signal, onLine }: { signal: AbortSignal; onLine: (line: string) => void },
): Promise<Ran> {
  const env = { NO_COLOR: '1', CUTOVER_CONFIG: ground.place(configFile) };
  const started = await ground.spawn([...command, '--json'], { env });
  const said: string[] = [];
  createInterface({ input: started.stderr }).on('line', (line) => {
    said.push(line);
    onLine(line);
  });
  const printed = Promise.all([textOf(started.stdout), started.ended]);
  const [text, { code }] = await Promise.race([printed, rejectionOf(signal)]);
  return { exitCode: code, ...documentIn(text, said) };
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** A command that cannot begin a run prints its error instead. */
function documentIn(text: string, said: readonly string[]): Pick<Ran, 'run' | 'error'> {
  try {
    const value = JSON.parse(text) as RunDocument | { error: { message: string } };
    return 'error' in value ? { run: null, error: value.error.message } : { run: value, error: null };
  } catch {
    return { run: null, error: `the command printed no document: ${said.slice(-3).join(' ')}` };
  }
}
