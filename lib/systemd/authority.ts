import { isCutoverError } from '../base/errors.ts';
import type { ManagerKind } from '../config/model.ts';
import { variantMaker } from './bus.ts';
import { manager, unitPath } from './names.ts';
import { describeProcess } from './processes.ts';
import type { Systemd } from './systemd.ts';

/** What may be done to a unit, in the word that systemd tells polkit (`verb` of org.freedesktop.systemd1.manage-units). */
export type Verb = 'start' | 'stop' | 'restart' | 'reset-failed' | 'kill';

/** Who answers for what this process may do; both are parts of a connection to the system's manager. */
export type Authority = Pick<Systemd, 'call' | 'ask' | 'isRoots'>;

const reloading = 'org.freedesktop.systemd1.reload-daemon';
const polkit = {
  destination: 'org.freedesktop.PolicyKit1',
  path: '/org/freedesktop/PolicyKit1/Authority',
  interface: 'org.freedesktop.PolicyKit1.Authority',
};

/**
 * polkit tells only root what another action with its unit would be answered, so systemd is asked for the thing itself, in a
 * form that it authorizes first and then cannot carry out: a job mode that the verb does not have, a control process that is
 * not there (whose SIGCONT would change nothing). No systemd that is known carries any of these out. The unit itself is asked:
 * systemd loads it for that, where its manager knows nothing of a unit that is down, and authorizes nobody.
 */
const questions: Record<Verb, [member: string, signature: string, body: unknown[]]> = {
  start: ['Start', 's', ['triggering']],
  stop: ['Stop', 's', ['isolate']],
  restart: ['Restart', 's', ['isolate']],
  kill: ['Kill', 'si', ['control', 18]],
  'reset-failed': ['ResetFailed', '', []],
};

/** Root may do everything, and so may a user with the user's own manager; anybody else has to be asked about. */
export function isAuthorityAsked(manager: ManagerKind, authority: Pick<Authority, 'isRoots'>): boolean {
  return manager === 'system' && !authority.isRoots();
}

/**
 * Whether this process may do something to a unit. Changes nothing, except that `reset-failed`, which has no such form, is
 * done: it clears a failed state, the count of restarts and the start limit.
 * @throws `bus_lost`, `systemd_unavailable`
 */
export async function isAllowed(authority: Authority, unit: string, verb: Verb): Promise<boolean> {
  const [member, signature, body] = questions[verb];
  const { destination } = manager;
  const where = { destination, path: unitPath(unit), interface: 'org.freedesktop.systemd1.Unit' };
  return authority.ask({ ...where, member, signature, body, about: unit }).then(
    () => true,
    (error: unknown) => {
      if (isCutoverError(error, 'bus_lost', 'systemd_unavailable', 'timeout')) throw error;
      return !isCutoverError(error, 'permission');
    },
  );
}

/** Whether this process may have systemd read unit files again; polkit is told no unit there, and so answers everybody. */
export async function mayReload({ ask }: Authority): Promise<boolean> {
  const variant = await variantMaker();
  const self = await describeProcess(process.pid);
  const subject = { pid: variant('u', process.pid), 'start-time': variant('t', BigInt(self?.startTicks ?? 0)) };
  const body = [['unix-process', subject], reloading, {}, 0, ''];
  const call = { ...polkit, member: 'CheckAuthorization', signature: '(sa{sv})sa{ss}us', body, about: reloading };
  // Without polkit nobody but root may.
  const [answer] = await ask(call).catch(() => []);
  return (answer as [boolean, boolean] | undefined)?.[0] === true;
}

/** Whether the machine has polkit, running or to be started when asked. */
export async function hasPolkit({ ask }: Authority): Promise<boolean> {
  const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
  const lists = await Promise.all(['ListNames', 'ListActivatableNames'].map((member) => ask({ ...bus, member })));
  return lists.some(([names]) => (names as string[]).includes(polkit.destination));
}
