import type { TargetConfig } from '../../config/model.ts';
import type { StatePaths } from '../../run/state.ts';
import { isRoundAgain } from './rhythm.ts';
import { readState } from './state.ts';

/** Whether the last pass is as long ago as the configuration says; a target without a table [monitor] is nothing for a timer. */
export async function isDue(paths: StatePaths, { monitor }: Pick<TargetConfig, 'monitor'>): Promise<boolean> {
  if (monitor === null) return false;
  const state = await readState(paths);
  return state === null || isRoundAgain(state.at, monitor.everyMs, Date.now());
}
