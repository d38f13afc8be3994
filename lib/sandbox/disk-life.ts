import { mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterwards } from '../base/afterwards.ts';
import { SomethingLeft } from './something-left.ts';

/** A folder for a sandbox's disk. */
interface DiskLife {
  disk: string;
  /** Takes it away if it was made here. Safe to repeat. */
  remove: () => Promise<void>;
}

/** What writes to it still, such as a copy whose beginner was killed, ends soon. */
const removeScript = `
for turn in $(seq 50); do
  rm -rf -- "$1" && exit
  sleep 0.1
done
exit 1
`;

/** A folder that goes with this process, however that ends: the copy of /etc in it holds passwords and keys. */
export async function passingDisk(): Promise<DiskLife> {
  const disk = await realpath(await mkdtemp(join(tmpdir(), 'cutover-sandbox-')));
  const goOn = await afterwards(removeScript, disk);
  return {
    disk,
    async remove() {
      if ((await goOn()) !== 0) throw new SomethingLeft(`cannot remove ${disk}`, { mend: `rm -rf ${disk}` });
    },
  };
}

/** A folder that stays. */
export async function lastingDisk(path: string): Promise<DiskLife> {
  await mkdir(path, { recursive: true });
  return { disk: await realpath(path), remove: () => Promise.resolve() };
}
