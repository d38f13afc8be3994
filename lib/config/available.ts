import { CutoverError } from '../base/errors.ts';
import type { Config, TargetConfig } from './model.ts';

interface Part {
  /** where it is configured; `*` stands for the target's name */
  path: string;
  isUsed(target: TargetConfig, config: Config): boolean;
  lacks: string;
}

/** Parts that the file may configure and that this version does not have yet; a row goes when its part is built. */
const unbuiltParts: readonly Part[] = [];

/**
 * Refuses a target that relies on a part which is not built: to leave a hook or a check out silently
 * would be worse than to refuse. For deploy, rollback and check.
 * @throws `config`, one line for each part
 */
export function requireAvailable(target: TargetConfig, config: Config): void {
  const lines = unbuiltParts
    .filter((part) => part.isUsed(target, config))
    .map(({ path, lacks }) => `${path.replace('*', target.name)}: this version ${lacks}`);
  if (lines.length === 0) return;
  throw new CutoverError('config', lines.join('\n'), {
    mend: `remove the ${lines.length === 1 ? 'key' : 'keys'}, or comment ${lines.length === 1 ? 'it' : 'them'} out`,
  });
}
