import { join } from 'node:path';
import type { Config, TargetConfig } from '../../config/model.ts';
import { socketsOf } from '../../deploy/socket-units.ts';
import { type KnownUnits, type Needed, neededOf } from '../../deploy/verbs.ts';
import { textOf } from '../../systemd/facts.ts';
import type { Systemd } from '../../systemd/systemd.ts';

/** Who is to deploy without being root. */
export type DeployingAccount = { user: string } | { group: string };

/** Where polkit reads rules of the administrator (polkit(8)); it has them within a second of the file's change. */
export const rulesDirectory = '/etc/polkit-1/rules.d';

/** What systemd knows of the units that the targets' rule is about. @throws `systemd_unavailable` */
export async function ruleTargets(
  systemd: Pick<Systemd, 'facts' | 'property'>,
  targets: readonly TargetConfig[],
): Promise<KnownUnits[]> {
  return Promise.all(
    targets.map(async (target) => {
      const isAlone = target.strategy === 'restart';
      const [id, sockets] = await Promise.all([
        systemd.property(target.unit, 'Unit', 'Id'),
        isAlone ? [] : socketsOf(systemd, target.unit),
      ]);
      return { target, id: textOf(id) || target.unit, sockets };
    }),
  );
}

/**
 * The polkit rule (polkit(8), JavaScript as of polkit 0.106) that lets a user or the members of a group do to the targets'
 * units what a run does, and nothing else. A pure function of its arguments. The file is to be root's, mode 0644.
 * @param targets from `ruleTargets`
 */
export function polkitRule(
  { app }: Pick<Config, 'app'>,
  targets: readonly KnownUnits[],
  who: DeployingAccount,
): { path: string; text: string } {
  const needed = targets.flatMap(neededOf);
  const rows = (isStandIn: boolean): string[] => needed.filter((one) => one.isStandIn === isStandIn).map(row);
  return { path: join(rulesDirectory, `50-cutover-${app}.rules`), text: ruleText(app, who, rows) };
}

/** polkitd reads the language of 2009: no arrow functions, no `const`. */
function ruleText(app: string, who: DeployingAccount, rows: (isStandIn: boolean) => string[]): string {
  const [option, subject] =
    'user' in who
      ? [`--deploy-user ${who.user}`, `subject.user === ${quoted(who.user)}`]
      : [`--group ${who.group}`, `subject.isInGroup(${quoted(who.group)})`];
  return `// Written by cutover init --install, which writes it anew each time. The option: ${quoted(option)}
// Whoever it names may do to these units of ${quoted(app)} what a deploy does, and nothing else. Not among it are transient
// units and daemon-reload: systemd tells polkit no unit there, so they would be allowed for all.
polkit.addRule(function (action, subject) {
  if (action.id !== "org.freedesktop.systemd1.manage-units" || !(${subject})) return polkit.Result.NOT_HANDLED;
  var units = {${block(rows(false))}};
  // Stand-ins: instances that are named after a build.
  var templates = {${block(rows(true))}};
  var build = /^dist\\.[0-9]{8}-[0-9]{6}(-[0-9]+)?\\.service$/;
  var unit = String(action.lookup("unit")), verb = action.lookup("verb");
  var begin = unit.slice(0, unit.indexOf("@") + 1);
  var has = Object.prototype.hasOwnProperty;
  var verbs = has.call(units, unit) ? units[unit] : [];
  if (has.call(templates, begin) && build.test(unit.slice(begin.length))) verbs = templates[begin];
  return verbs.indexOf(verb) < 0 ? polkit.Result.NOT_HANDLED : polkit.Result.YES;
});
`;
}

function row({ unit, verbs }: Needed): string {
  return `    ${quoted(unit)}: [${verbs.map(quoted).join(', ')}],\n`;
}

function block(rows: readonly string[]): string {
  return rows.length === 0 ? '' : `\n${[...new Set(rows)].join('')}  `;
}

/** A text of ASCII alone in quotes: polkitd's language takes some of what JSON leaves as it is for the end of a line. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
