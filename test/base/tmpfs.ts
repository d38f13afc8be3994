import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, start } from '../../lib/base/exec.ts';
import { makeDirectory } from '../builds/directory.ts';
import type { TestContext } from '../suite.ts';

/** A small file system of its own, in a mount namespace that only this test can see. */
export interface Tmpfs {
  /** its path, which leads through the namespace's own process */
  path: string;
  /** Mounts it anew with these options, such as `ro`. */
  remount: (options: string) => Promise<void>;
}

/** Mounts a tmpfs of so many bytes, and of so many files where that is said; it goes with the test. */
export async function makeTmpfs(t: TestContext, bytes: number, inodes = 0): Promise<Tmpfs> {
  const place = await realpath(await makeDirectory(t));
  const script = 'mount -t tmpfs -o "size=$2,nr_inodes=$3" tmpfs "$1" && echo mounted && exec sleep infinity';
  const keeper = await start(['unshare', '--mount', 'sh', '-c', script, 'sh', place, String(bytes), String(inodes)]);
  t.cleanup(async () => {
    keeper.kill('SIGKILL');
    await keeper.ended;
  });
  keeper.stderr.pipe(process.stderr);
  await once(keeper.stdout, 'data');
  return {
    path: join(`/proc/${keeper.pid}/root`, place),
    async remount(options) {
      const enter = ['-t', String(keeper.pid), '-m', '--'];
      const mount = ['mount', '-o', `remount,${options}`, place];
      const { code, stderr } = await exec(['nsenter', ...enter, ...mount], { timeoutMs: 10_000 });
      if (code !== 0) throw new Error(stderr);
    },
  };
}

/** Does work as a plain user; the process is root again afterwards. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
