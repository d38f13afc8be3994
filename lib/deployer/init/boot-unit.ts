import { join } from 'node:path';
import type { Config, TargetConfig } from '../../config/model.ts';
import { commandText, instanceName, unitPathText, unitWord } from '../../systemd/unit-text.ts';
import { pathsOf } from '../place.ts';
import { dropIn, type InstallFile, mark, shippedUnit, type UnitPlaces } from './install/unit-files.ts';

const template = 'cutover-settle@.service';
/** What the shipped unit says of things that only the machine knows. */
const shipped = { command: '/usr/bin/cutover', state: '%S/cutover/%I', systemState: '/var/lib/cutover' };

/** The instance of the boot unit for a target: its name is the path of the target's state, escaped. */
export function bootInstance(app: string, target: string): string {
  return template.replace('@', `@${instanceName(app, target)}`);
}

/** The files of the boot unit: the template once, and a drop-in for each target that orders it before the target's unit. */
export function bootUnitFiles(config: Config, targets: readonly TargetConfig[], places: UnitPlaces): InstallFile[] {
  const own = shippedUnit(template, config.manager, places);
  const text = own.known[0] ?? '';
  const drops = targets.map((target): InstallFile => {
    const instance = bootInstance(config.app, target.name);
    const path = join(places.unitDirectory, `${instance}.d`, dropIn);
    return { ...own, path, text: dropInText(text, { config, target, places }), known: [] };
  });
  return [own, ...drops];
}

/** `%S` is not where a user's programs keep their state, and a configuration may say another place: then it stands there in full. */
function dropInText(
  text: string,
  { config, target, places }: { config: Config; target: TargetConfig; places: UnitPlaces },
): string {
  // A volume may come later than what every boot waits for, and a link on it cannot be put back before.
  const before = [mark, '[Unit]', `Before=${target.unit}`, `RequiresMountsFor=${unitWord(target.builds)}`];
  if (config.manager === 'system' && config.state === shipped.systemState) return `${before.join('\n')}\n`;
  const { directory } = pathsOf(config, target);
  const plain = unitPathText(directory);
  const start = replaced(lineOf(text, 'ExecStart'), shipped.command, commandText(places.command));
  return `${[
    ...before,
    // An empty assignment takes back what the template says.
    'ConditionPathExists=',
    replaced(lineOf(text, 'ConditionPathExists'), shipped.state, plain),
    replaced(lineOf(text, 'RequiresMountsFor'), shipped.state, unitWord(directory)),
    '',
    '[Service]',
    'ExecStart=',
    replaced(start, shipped.state, unitWord(directory)),
  ].join('\n')}\n`;
}

function lineOf(text: string, setting: string): string {
  return new RegExp(`^${setting}=.*$`, 'm').exec(text)?.[0] ?? lacking(`${setting}=`);
}

/** What is not there to be replaced means that the shipped unit was changed, and this file was not. */
function replaced(text: string, what: string, by: string): string {
  return text.includes(what) ? text.replaceAll(what, () => by) : lacking(what);
}

function lacking(what: string): never {
  throw new Error(`${template} of this package has no ${what}`);
}
