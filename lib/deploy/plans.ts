import type { StrategyName } from '../config/model.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step } from '../run/step.ts';
import { withDatabase } from './database-steps.ts';
import { overlapPlan } from './overlap.ts';
import { recoveryPlan } from './recovery.ts';
import { restartPlan } from './restart.ts';
import { restorePlan } from './restore-plan.ts';
import { socketPlan } from './socket.ts';
import type { PlanTools } from './strategy.ts';

type Strategy = (inputs: RunInputs, tools: PlanTools) => Step[];

const strategies: Readonly<Record<StrategyName, Strategy>> = {
  restart: restartPlan,
  socket: socketPlan,
  overlap: overlapPlan,
};

/** The steps of a run: a pure function of its inputs, so that whoever reads the ledger can build them again. */
export function planOf(inputs: RunInputs, tools: PlanTools): Step[] {
  if (inputs.kind === 'restore') return restorePlan(inputs, tools);
  if (inputs.kind === 'recovery') return recoveryPlan(inputs, tools);
  const plan = strategies[inputs.target.strategy];
  return withDatabase(inputs, tools, plan(inputs, tools));
}
