import type { TargetConfig } from '../../config/model.ts';
import type { StatePaths } from '../../run/state.ts';
import { readState } from './state.ts';

/** A timer that comes every minute comes some seconds early or late. */
const slackMs = 30_000;

/**
 * Whether the last pass is as long ago as the configuration says. A clock that went back makes it so; a target without a table
 * [monitor] is nothing for a timer.
 */
export async function isDue(paths: StatePaths, { monitor }: Pick<TargetConfig, 'monitor'>): Promise<boolean> {
  if (monitor === null) return false;
  const state = await readState(paths);
  if (state === null) return true;
  const sinceMs = Date.now() - Date.parse(state.at);
  return sinceMs < 0 || sinceMs >= monitor.everyMs - Math.min(slackMs, monitor.everyMs / 2);
}
