import { CutoverError } from '../../base/errors.ts';
import type { ManagerKind } from '../../config/model.ts';
import { systemctl } from '../../systemd/typed.ts';
import type { SeenUnit } from './unit.ts';

/** The ports of a unit, as they were said or as they were seen. */
export interface ChosenPorts {
  ports: number[];
  isGuessed: boolean;
}

/**
 * The port that the unit listens on.
 * @param said the ports that the person named; an empty list: it has none
 * @throws `refused` when there is none or more than one to be seen; `permission` when another user's are not shown
 */
export function choosePorts(
  unit: SeenUnit,
  { said, manager }: { said: number[] | undefined; manager: ManagerKind },
): ChosenPorts {
  if (said !== undefined) return { ports: said, isGuessed: false };
  const { facts, listeners } = unit;
  const seen = [...new Set(listeners.map(({ port }) => port))].toSorted((a, b) => a - b);
  if (seen.length === 1) return { ports: seen, isGuessed: true };
  const init = `cutover init ${facts.unit}`;
  if (seen.length === 0) {
    const { what, first } = whyNone(unit, manager);
    throw new CutoverError(unit.isRunning && unit.isHidden ? 'permission' : 'refused', what, {
      mend: `${first}say the port: ${init} --port 9000, or --port none for a service that listens nowhere`,
    });
  }
  const list = seen.map((port) => `${port} (${addressesOf(port, unit)})`).join(', ');
  throw new CutoverError('refused', `${facts.unit} listens on ${seen.length} ports: ${list}`, {
    mend: `say which of them clients use: ${init} --port ${seen[0]}, or --port ${seen.join(',')}`,
  });
}

function whyNone({ facts, isRunning, isHidden }: SeenUnit, manager: ManagerKind): { what: string; first: string } {
  const { unit, activeState, subState, user } = facts;
  if (!isRunning) {
    const what = `${unit} is not running (${activeState}, ${subState}), so its port cannot be seen`;
    return { what, first: `${systemctl(manager, `start ${unit}`)} and again; or ` };
  }
  if (isHidden) {
    const what = `${unit} runs as ${user ?? 'root'}, so its port cannot be seen by another user`;
    return { what, first: 'run with sudo; or ' };
  }
  return { what: `no process of ${unit} listens on a TCP port now`, first: '' };
}

function addressesOf(port: number, { listeners }: SeenUnit): string {
  const addresses = listeners.filter((listener) => listener.port === port).map(({ address }) => address);
  return [...new Set(addresses)].join(' and ');
}
