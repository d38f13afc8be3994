import { readFile, stat, statfs } from 'node:fs/promises';
import { usedPercent } from '../../checks/disk.ts';
import { parseMeminfo } from '../../checks/memory.ts';
import type { ShownDisk, ShownMachine } from '../../report/page/model.ts';
import type { Disks } from './disks.ts';

/**
 * Memory of the machine, and the file systems of the directories, each once. What cannot be found out is left out.
 * @param asked tells which of them can be asked
 */
export async function lookAtMachine(directories: readonly string[], asked: Disks): Promise<ShownMachine> {
  const [memory, disks] = await Promise.all([
    readFile('/proc/meminfo', 'utf8').then(parseMeminfo, () => ({ totalBytes: 0, availableBytes: 0 })),
    disksOf(directories, asked),
  ]);
  return { memory_total_bytes: memory.totalBytes, memory_available_bytes: memory.availableBytes, disks };
}

async function disksOf(directories: readonly string[], asked: Disks): Promise<ShownDisk[]> {
  const disks = new Map<number, ShownDisk>();
  for (const path of directories) {
    const found = await diskOf(path, asked).catch(() => null);
    if (found && !disks.has(found.device)) disks.set(found.device, found.shown);
  }
  return [...disks.values()];
}

async function diskOf(path: string, asked: Disks): Promise<{ device: number; shown: ShownDisk }> {
  await asked.verifyAnswer(path);
  const [{ dev }, space] = await Promise.all([stat(path), statfs(path)]);
  const used_percent = Math.round(usedPercent(space) * 10) / 10;
  return { device: dev, shown: { path, used_percent, available_bytes: space.bavail * space.bsize } };
}
