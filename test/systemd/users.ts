import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from '../suite.ts';

/** A real process that uses a build in each of the ways there are; it ends with the test. */
export const waysToUse: Record<string, (t: TestContext, build: string) => Promise<ChildProcess>> = {
  cwd: (t, build) => startSleep(t, { cwd: build }),
  executable: async (t, build) => {
    const copy = join(build, 'app');
    await copyFile('/bin/sleep', copy);
    return startSleep(t, { file: copy, cwd: '/', args: ['60'], name: 'sleep' });
  },
  open: async (t, build) => {
    const descriptor = openSync(join(build, 'file'), 'a');
    const child = await startSleep(t, { cwd: '/', descriptor });
    closeSync(descriptor);
    return child;
  },
  mapped: async (t, build) => {
    const library = join(build, 'library.so');
    const maps = readFileSync('/proc/self/maps', 'utf8');
    await copyFile(/\/\S*\/libm\.so\S*/.exec(maps)?.[0] ?? 'no library', library);
    const began = await startSleep(t, { cwd: '/', env: { LD_PRELOAD: library } });
    // The program is there before its libraries are, and a library is mapped before its descriptor is closed.
    while (!readFileSync(`/proc/${began.pid}/maps`, 'utf8').includes(library)) await sleep(1);
    while (hasOpen(began, library)) await sleep(1);
    return began;
  },
  argument: (t, build) => startSleep(t, { cwd: '/', name: join(build, 'worker.js') }),
};

function hasOpen({ pid }: ChildProcess, path: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`) === path;
    } catch {
      // It was closed just now.
      return false;
    }
  });
}

/** Starts a process that sleeps; `name` is what it is told as its own name. */
export async function startSleep(
  t: TestContext,
  {
    cwd,
    file = '/bin/sleep',
    name = file,
    descriptor,
    env,
    args = ['60'],
  }: {
    cwd: string;
    file?: string;
    name?: string;
    descriptor?: number;
    env?: Record<string, string>;
    args?: string[];
  },
): Promise<ChildProcess> {
  const stdio = ['ignore', 'ignore', 'ignore', ...(descriptor === undefined ? [] : [descriptor])] as const;
  const child = spawn(file, args, { cwd, argv0: name, env: { ...process.env, ...env }, stdio: [...stdio] });
  t.cleanup(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  // In the middle of its exec a process has no arguments.
  while (!readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').startsWith(`${name}\0`)) await sleep(1);
  return child;
}
