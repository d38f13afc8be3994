import { CutoverError } from '../../../base/errors.ts';
import { ownDirectorySettings, textOf, type UnitFacts } from '../../../systemd/facts.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { systemctl } from '../../../systemd/typed.ts';
import { settingsOf } from './unit-source.ts';

type Asked = Pick<Systemd, 'property'>;

/**
 * Two of it run at once during a deploy, the second under another name.
 * @param texts the unit's own files, in the order in which systemd reads them
 * @throws `refused` where it cannot be so
 */
export async function requireTwice(
  systemd: Asked,
  facts: Pick<UnitFacts, 'unit' | 'type' | 'user' | 'manager'>,
  texts: readonly string[],
): Promise<void> {
  const { unit, type, user, manager } = facts;
  const pidFile = textOf(await systemd.property(unit, 'Service', 'PIDFile'));
  const madeFor = await directoryMadeFor(systemd, unit, texts);
  const naming = `${systemctl(manager, `edit ${unit}`)}, and write:\n[Service]\nUser=${user ?? ''}\nthen restart it, and again`;
  const reasons: [when: boolean, why: string, mend?: string][] = [
    [type === 'dbus', 'Type=dbus: only one of two can own its name'],
    [pidFile !== '', `PIDFile=${pidFile}: the second would overwrite it`],
    [unit.includes('@'), 'it is an instance of a template already'],
    [
      madeFor !== null,
      `DynamicUser=yes without User=: the second would be another user, and be given ${madeFor}`,
      naming,
    ],
  ];
  const [, why, mend = `cutover init ${unit} --strategy socket`] = reasons.find(([when]) => when) ?? [];
  if (why === undefined) return;
  throw new CutoverError('refused', `${unit} cannot have a stand-in: ${why}; nothing was changed`, { mend });
}

/** A directory that belongs to a user whom systemd makes from the unit's name; null: there is none. */
async function directoryMadeFor(systemd: Asked, unit: string, texts: readonly string[]): Promise<string | null> {
  if ((await systemd.property(unit, 'Service', 'DynamicUser')) !== true) return null;
  const settings = texts.flatMap((text) => settingsOf(text, 'Service'));
  // On the bus is the user that it was given, whether or not somebody chose it.
  if (settings.findLast((line) => line.startsWith('User='))?.slice('User='.length)) return null;
  const names = await Promise.all(ownDirectorySettings.map((name) => systemd.property(unit, 'Service', name)));
  return (names as string[][]).flat()[0] ?? null;
}
