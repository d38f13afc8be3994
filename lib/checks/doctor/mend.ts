import { systemctl } from '../../systemd/typed.ts';
import type { UnitFacts } from '../../systemd/facts.ts';

type Whose = Pick<UnitFacts, 'unit' | 'manager'>;

/** What to write beside a unit's file: the command, then the lines. */
export function write(whose: Whose, section: 'Unit' | 'Service' | 'Socket', ...lines: string[]): string {
  return [`${edit(whose)}, and write:`, `[${section}]`, ...lines].join('\n');
}

/** What to take out of a unit's file: a dependency cannot be reset by a line beside it (systemd.unit(5)). */
export function takeOut(whose: Whose, setting: string, unit: string): string {
  return `${edit(whose, '--full ')}, and take ${unit} out of:\n[Unit]\n${setting}=`;
}

/** An instance has the file of its template. */
export function fileOf(unit: string): string {
  return unit.replace(/@.*(?=\.\w+$)/, '@');
}

function edit({ unit, manager }: Whose, options = ''): string {
  return systemctl(manager, `edit ${options}${fileOf(unit)}`);
}
