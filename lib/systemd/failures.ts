import { CutoverError, messageOf } from '../base/errors.ts';
import type { ManagerKind } from '../config/model.ts';
import { mendAsRoot, mendRefusal, nameOfSelf, systemctl } from './typed.ts';

/** A call that failed: what was asked, of which manager, about which unit. */
interface FailedCall {
  member: string;
  manager: ManagerKind;
  unit: string;
  text: string;
  cause: unknown;
}

/** What the bus daemon and systemd answer with, and what it means here (systemd's own error names). */
const known: Record<string, (call: FailedCall) => CutoverError> = {
  'org.freedesktop.systemd1.NoSuchUnit': ({ manager, unit, cause }) =>
    new CutoverError('no_such_unit', `systemd knows no unit ${unit}`, {
      mend: systemctl(manager, `list-unit-files '${unit}'`),
      cause,
    }),
  'org.freedesktop.systemd1.UnitMasked': masked,
  'org.freedesktop.systemd1.UnitExists': ({ manager, unit, cause }) =>
    new CutoverError('unit_exists', `${unit} exists already`, { mend: systemctl(manager, `status ${unit}`), cause }),
  'org.freedesktop.DBus.Error.AccessDenied': refused,
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired': refused,
  'org.freedesktop.DBus.Error.AuthFailed': refused,
  'org.freedesktop.DBus.Error.NoReply': ({ manager, text, cause }) =>
    new CutoverError('bus_lost', `systemd did not answer: ${text}`, { mend: systemctl(manager, 'status'), cause }),
  'org.freedesktop.systemd1.TransactionIsDestructive': ({ manager, unit, text, cause }) =>
    new CutoverError('systemd_unavailable', `systemd does nothing to ${unit} now, as when it shuts down: ${text}`, {
      mend: systemctl(manager, 'list-jobs'),
      cause,
    }),
  'org.freedesktop.DBus.Error.ServiceUnknown': ({ manager, text, cause }) =>
    new CutoverError('systemd_unavailable', `systemd is not on the bus: ${text}`, {
      mend: manager === 'user' ? 'systemctl status user@$UID.service' : 'ps -p 1',
      cause,
    }),
};

/** The masked unit may be one that the unit needs, or polkit's, which systemd has decide who may do what. */
function masked({ manager, unit, text, cause }: FailedCall): CutoverError {
  const found = /^Unit (\S+) is masked/.exec(text)?.[1] ?? unit;
  const more = { mend: systemctl(manager, `unmask ${found}`), cause };
  if (found === unit) return new CutoverError('unit_masked', `${unit} is masked`, more);
  if (/^polkit\w*\.service$/.test(found)) {
    const what = `nobody decides whether ${nameOfSelf()} may have systemd manage ${unit}: ${found} is masked`;
    return new CutoverError('systemd_unavailable', what, more);
  }
  return new CutoverError('unit_masked', `${unit} needs ${found}, which is masked`, more);
}

/** What a polkit rule can allow for one unit; the rest is root's. */
const manageable = ['StartUnit', 'StopUnit', 'RestartUnit', 'KillUnit', 'ResetFailedUnit'];

function refused({ member, manager, unit, text, cause }: FailedCall): CutoverError {
  const mend = manager === 'system' && manageable.includes(member) ? mendRefusal() : mendAsRoot();
  return new CutoverError('permission', `systemd refuses to manage ${unit} (${member}): ${text}`, { mend, cause });
}

/**
 * Gives the error of ours for a failed call.
 * @param call the member, the unit it was about, and whose manager was asked
 */
export function dbusFailure(
  error: unknown,
  { member, about, manager }: { member: string; about?: string; manager: ManagerKind },
): unknown {
  if (error instanceof CutoverError) return error;
  const name = (error as { type?: string }).type ?? '';
  const make = known[name];
  const text = messageOf(error);
  if (make) return make({ member, manager, unit: about ?? 'the unit', text, cause: error });
  return new CutoverError('failed', `systemd answered ${member}(${about ?? ''}) with: ${text}`, {
    mend: systemctl(manager, about ? `status ${about}` : 'status'),
    cause: error,
  });
}

/** Whether systemd answered with exactly this error name. */
export function isDbusError(error: unknown, name: string): boolean {
  const cause = error instanceof CutoverError ? error.cause : error;
  return (cause as { type?: string } | undefined)?.type === name;
}
