import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LoadOrder, LoadReport } from './load.ts';

export { setTimeout as sleep } from 'node:timers/promises';

export interface Timed {
  ms: number;
  exitCode: number | null;
  output: string;
}

/** Runs a command and times the whole process, from before its start to its end. */
export async function time(
  [file = '', ...args]: readonly string[],
  { env = {}, timeoutMs = 120_000 }: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Timed> {
  const began = performance.now();
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let [output, ms] = ['', 0];
  child.once('exit', () => {
    ms = performance.now() - began;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { ms, exitCode, output };
}

/** For what must work. */
export async function runToEnd(command: readonly string[]): Promise<string> {
  const { exitCode, output } = await time(command);
  if (exitCode !== 0) throw new Error(`${command.join(' ')} exited with ${exitCode}: ${output}`);
  return output;
}

/** Puts load on a port from a process of its own. */
export interface LoadMaker {
  /** Resolves when the clients run. */
  begin(order: LoadOrder): void;
  end(): Promise<LoadReport>;
  close(): void;
}

export function openLoadMaker(): LoadMaker {
  const child: ChildProcess = fork(new URL('load.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  return {
    begin: (order) => void child.send(order),
    end: async () => {
      child.send('stop');
      const [report] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [LoadReport];
      return report;
    },
    close: () => void child.kill(),
  };
}
