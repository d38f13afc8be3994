import { type Answer, fail, pass } from '../checks/check.ts';
import { CutoverError } from '../base/errors.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import { type Authority, hasPolkit, isAllowed, isAuthorityAsked, mayReload, type Verb } from '../systemd/authority.ts';
import { type UnitFacts, textOf } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { mendAsRoot, mendRefusal, nameOfSelf } from '../systemd/typed.ts';
import { socketsOf } from './socket-units.ts';
import { standInOf } from './stand-in.ts';
import { type Needed, neededOf } from './verbs.ts';

/** Any build: permission is for all of a template's instances that are named after one. */
const anyBuild = 'dist.20000101-000000';

type Asking = Authority & Pick<Systemd, 'facts' | 'property'>;
type Asked = Pick<TargetConfig, 'unit' | 'strategy' | 'name'>;

/**
 * The check `permission`: whether a run may do all that it may come to, asked of a plain user before anything changes; a
 * deploy that may stop a service and not start it would leave it down. Null: nobody need ask for root, or for a user with the user's own
 * manager. Changes nothing, so `reset-failed` is left to `requirePermitted`.
 */
export function permissionCheck(
  { target, facts }: { target: Asked; facts: Pick<UnitFacts, 'manager' | 'needDaemonReload'> },
  systemd: Asking,
): (() => Promise<Answer>) | null {
  if (!isAuthorityAsked(facts.manager, systemd)) return null;
  return async () => {
    const [refused, isReloadRefused] = await Promise.all([
      refusedOf(target, systemd, (verb) => verb !== 'reset-failed'),
      facts.needDaemonReload ? mayReload(systemd).then((may) => !may) : false,
    ]);
    const expected = `${nameOfSelf()} may do what a run does to the units of ${target.name}`;
    if (refused.length > 0) return fail(refusalText(refused), expected, await mendOf(systemd));
    if (!isReloadRefused) return pass('granted', expected);
    const mend = 'sudo systemctl daemon-reload (polkit cannot allow it for one unit alone)';
    return fail(
      `the file of ${target.unit} changed, and systemd refuses to read it for ${nameOfSelf()}`,
      expected,
      mend,
    );
  };
}

/**
 * The same for who is about to begin a run, with what cannot be asked without being done.
 * @throws `permission`, naming each thing that systemd refuses; nothing was changed then
 */
export async function requirePermitted(target: Asked, manager: ManagerKind, systemd: Asking): Promise<void> {
  if (!isAuthorityAsked(manager, systemd)) return;
  const harmless = await refusedOf(target, systemd, (verb) => verb !== 'reset-failed');
  // A start limit is not cleared for a run that does not begin.
  const refused = harmless.length > 0 ? harmless : await refusedOf(target, systemd, (verb) => verb === 'reset-failed');
  if (refused.length === 0) return;
  throw new CutoverError('permission', `${refusalText(refused)}; nothing was changed`, { mend: await mendOf(systemd) });
}

async function refusedOf(target: Asked, systemd: Asking, isWanted: (verb: Verb) => boolean): Promise<Needed[]> {
  const isAlone = target.strategy === 'restart';
  const [id, sockets] = await Promise.all([
    systemd.property(target.unit, 'Unit', 'Id'),
    isAlone ? [] : socketsOf(systemd, target.unit),
  ]);
  const refused = await Promise.all(
    neededOf({ target, id: textOf(id) || target.unit, sockets }).map(async (needed): Promise<Needed> => {
      const unit = needed.isStandIn ? standInOf(target.unit, anyBuild) : needed.unit;
      const verbs = needed.verbs.filter(isWanted);
      const allowed = await Promise.all(verbs.map((verb) => isAllowed(systemd, unit, verb)));
      return {
        ...needed,
        unit: needed.isStandIn ? standInOf(target.unit, '*') : unit,
        verbs: verbs.filter((_, at) => !allowed[at]),
      };
    }),
  );
  return refused.filter(({ verbs }) => verbs.length > 0);
}

/** "systemd refuses deploy: start, kill of shop.service; start of shop.socket". */
function refusalText(refused: readonly Needed[]): string {
  const what = refused.map(({ unit, verbs }) => `${verbs.join(', ')} of ${unit}`).join('; ');
  return `systemd refuses ${nameOfSelf()}: ${what}`;
}

async function mendOf(systemd: Authority): Promise<string> {
  if (await hasPolkit(systemd)) return mendRefusal();
  return `${mendAsRoot()}: without polkit only root may (sudo apt-get install polkitd; then ${mendRefusal()})`;
}
