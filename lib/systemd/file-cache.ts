import { readFile } from 'node:fs/promises';
import type { UnitResources } from './facts.ts';

const root = '/sys/fs/cgroup';
/** Where the kernel counts a control group's memory: the one hierarchy, or where the machine still has it, that of memory alone. */
const statistics = [
  { folder: root, name: 'inactive_file' },
  { folder: `${root}/memory`, name: 'total_inactive_file' },
] as const;

/**
 * What a unit's processes use of memory themselves, without the files that the kernel keeps at hand for them.
 * @returns bytes; null where it is not measured
 */
export async function memoryInUse({
  controlGroup,
  memoryBytes,
}: Pick<UnitResources, 'controlGroup' | 'memoryBytes'>): Promise<number | null> {
  if (memoryBytes === null || !controlGroup) return memoryBytes;
  return memoryBytes - (await fileCacheBytes(controlGroup));
}

/**
 * How much of a control group's memory are files that the kernel keeps at hand and gives up when memory is needed for anything else.
 * @param controlGroup as systemd names it (`ControlGroup=`)
 * @returns bytes; 0 where that is not told
 */
async function fileCacheBytes(controlGroup: string): Promise<number> {
  for (const { folder, name } of statistics) {
    const text = await readFile(`${folder}${controlGroup}/memory.stat`, 'utf8').catch(() => '');
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text);
    if (found) return Number(found[1]);
  }
  return 0;
}
