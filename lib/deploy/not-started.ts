import type { ManagerKind } from '../config/model.ts';
import { StepFailure } from '../run/failure.ts';
import { systemctl } from '../systemd/typed.ts';

/** A unit, and whose it is. */
export interface ManagedUnit {
  unit: string;
  manager: ManagerKind;
}

/** The failure of a unit that systemd has not started: no build is at fault. */
export function notStarted({ unit, manager }: ManagedUnit, why: string): StepFailure {
  const typed = systemctl(manager, `status ${unit}`);
  return new StepFailure('systemd', `${unit} was not started by systemd: ${why} (${typed})`);
}
