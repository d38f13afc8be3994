import { join } from 'node:path';
import { readIfThere } from '../../base/files.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { PushedCommit } from '../../deployer/source.ts';
import { queueDirectory } from './request.ts';

/** Where the receiver keeps its state, for whoever carries its requests out: it is another user's unit. */
export const receiverStateVariable = 'CUTOVER_RECEIVER_STATE';

/**
 * What was pushed, as the receiver wrote it into its queue. It may be another user, of whom nothing is believed but what a name of a
 * revision looks like, and the target's own branch.
 * @returns undefined: nobody knows
 */
export async function pushedBy(
  { config, target, id }: { config: Config; target: TargetConfig; id: string },
  env: NodeJS.ProcessEnv,
): Promise<PushedCommit | undefined> {
  const places = [{ STATE_DIRECTORY: env[receiverStateVariable] }, {}].map((given) => queueDirectory(config, given));
  for (const place of places) {
    const text = await readIfThere(join(place, `${id}.json`)).catch(() => null);
    if (text !== null) return pushedIn(text, target);
  }
  return undefined;
}

function pushedIn(text: string, target: TargetConfig): PushedCommit | undefined {
  try {
    const { revision, branch } = JSON.parse(text) as { revision?: unknown; branch?: unknown };
    const isName = typeof revision === 'string' && /^[\x21-\x7e][\x20-\x7e]{0,199}$/.test(revision);
    return { revision: isName ? revision : null, branch: branch === target.branch ? target.branch : null };
  } catch {
    return undefined;
  }
}
