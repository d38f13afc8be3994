import { readFile, stat, statfs } from 'node:fs/promises';
import { usedPercent } from '../../checks/disk.ts';
import { parseMeminfo } from '../../checks/memory.ts';
import type { ShownDisk, ShownMachine } from '../../report/page/model.ts';

/** Memory of the machine, and the file systems of the directories, each once. What cannot be found out is left out. */
export async function lookAtMachine(directories: readonly string[]): Promise<ShownMachine> {
  const [memory, disks] = await Promise.all([
    readFile('/proc/meminfo', 'utf8').then(parseMeminfo, () => ({ totalBytes: 0, availableBytes: 0 })),
    disksOf(directories),
  ]);
  return { memory_total_bytes: memory.totalBytes, memory_available_bytes: memory.availableBytes, disks };
}

async function disksOf(directories: readonly string[]): Promise<ShownDisk[]> {
  const disks = new Map<number, ShownDisk>();
  for (const path of directories) {
    const found = await Promise.all([stat(path), statfs(path)]).catch(() => null);
    if (!found) continue;
    const [{ dev }, space] = found;
    const used_percent = Math.round(usedPercent(space) * 10) / 10;
    if (!disks.has(dev)) disks.set(dev, { path, used_percent, available_bytes: space.bavail * space.bsize });
  }
  return [...disks.values()];
}
