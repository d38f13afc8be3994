import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import type { Command } from '../../base/exec.ts';
import type { Config, ManagerKind, TargetConfig } from '../../config/model.ts';
import { systemctl } from '../../systemd/typed.ts';
import { commandText, instanceName, unitPathText, unitWord } from '../../systemd/unit-text.ts';
import { pathsOf } from '../place.ts';
import { foreignFile, type PlannedFile } from './files.ts';

/** Where the boot unit comes from, and where it goes. */
export interface BootUnitPlaces {
  /** the folder of this package */
  product: string;
  /** cutover itself, named in full: systemd knows neither our directory nor our PATH */
  command: Command;
  /** the manager's folder for units of the administrator */
  unitDirectory: string;
}

const template = 'cutover-settle@.service';
const dropIn = '50-cutover.conf';
const mode = 0o644;
/** What the shipped unit says of things that only the machine knows. */
const shipped = { command: '/usr/bin/cutover', state: '%S/cutover/%I', systemState: '/var/lib/cutover' };
const mark = '# Written by `cutover init --install`, which writes it anew each time.';

/** The instance of the boot unit for a target: its name is the path of the target's state, escaped. */
export function bootInstance(app: string, target: string): string {
  return template.replace('@', `@${instanceName(app, target)}`);
}

/** The files of the boot unit: the template once, and a drop-in for each target that orders it before the target's unit. */
export async function bootUnitFiles(
  config: Config,
  targets: readonly TargetConfig[],
  places: BootUnitPlaces,
): Promise<PlannedFile[]> {
  const text = await readFile(join(places.product, 'units', template), 'utf8');
  const path = join(places.unitDirectory, template);
  const own = [mark, `# Your own lines: systemctl edit ${template}`, '', templateText(text, config, places)].join('\n');
  const drops = targets.map((target): PlannedFile => {
    const instance = bootInstance(config.app, target.name);
    const file = join(places.unitDirectory, `${instance}.d`, dropIn);
    const refuse = refuseForeign(file, [], config.manager);
    return { path: file, text: dropInText(text, { config, target, places }), mode, refuse };
  });
  return [{ path, text: own, mode, refuse: refuseForeign(path, [text], config.manager) }, ...drops];
}

function templateText(text: string, { manager }: Config, { command }: BootUnitPlaces): string {
  const whole = replaced(text, shipped.command, commandText(command));
  // The manager of a user has no multi-user.target, and would never start what that wants.
  return manager === 'user' ? replaced(whole, 'WantedBy=multi-user.target', 'WantedBy=default.target') : whole;
}

/** `%S` is not where a user's programs keep their state, and a configuration may say another place: then it stands there in full. */
function dropInText(
  text: string,
  { config, target, places }: { config: Config; target: TargetConfig; places: BootUnitPlaces },
): string {
  const before = [mark, '[Unit]', `Before=${target.unit}`];
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

function refuseForeign(path: string, known: string[], manager: ManagerKind): PlannedFile['refuse'] {
  return async (existing) => {
    const link = await readlink(path).catch(() => null);
    if (link === '/dev/null') {
      return new CutoverError('unit_masked', `${template} is masked`, {
        mend: systemctl(manager, `unmask ${template}`),
      });
    }
    return existing.startsWith(mark) || known.includes(existing) ? null : foreignFile(path);
  };
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
