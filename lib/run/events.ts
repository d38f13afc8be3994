import type { CheckAnswer } from '../checks/check.ts';
import type { HookName } from '../config/model.ts';
import type { RunDocument } from './document.ts';
import type { Failure } from './failure.ts';
import type { RunInputs } from './inputs.ts';

/** What happens during a run, for whoever wants to tell it. Nobody's answer is waited for. */
export type RunEvent =
  | { type: 'waiting'; message: string }
  | { type: 'check'; answer: CheckAnswer }
  | { type: 'checked'; safe: boolean; forced: boolean }
  /** `isResumed`: the run was cut off, and is ended now */
  | { type: 'begin'; inputs: RunInputs; isResumed?: true }
  | {
      type: 'step';
      name: string;
      state: 'begun' | 'done' | 'failed' | 'reverting' | 'reverted' | 'revert_failed';
      durationMs: number;
      message?: string;
      /** what a step that is done could not do */
      warning?: string;
    }
  | { type: 'attempt'; number: number; of: number; problem: string | null; observed: string }
  | { type: 'going_back'; from: string | null; to: string | null; isOneWay: boolean; failure: Failure }
  | { type: 'note'; message: string }
  /** what follows belongs to this run, before it begins or after its outcome */
  | { type: 'run'; run: string }
  /** a line that a hook printed, without secrets */
  | { type: 'output'; hook: HookName; line: string }
  | { type: 'journal'; lines: string[] }
  /** a run that had been cut off was ended before another one */
  | { type: 'settled'; document: RunDocument }
  /** builds that the keep rules do not keep are gone */
  | { type: 'pruned'; builds: string[] }
  | { type: 'outcome'; document: RunDocument };

export type Emit = (event: RunEvent) => void;
export type Listener = (event: RunEvent) => void;

/**
 * Hands every event to every listener. A listener that throws is told about once and left out
 * from then on: no run ends because nobody could be told about it.
 */
export function fanOut(listeners: readonly Listener[], onBroken: (error: unknown) => void): Emit {
  const working = new Set(listeners);
  return (event) => {
    for (const listener of working) {
      try {
        listener(event);
      } catch (error) {
        working.delete(listener);
        onBroken(error);
      }
    }
  };
}
