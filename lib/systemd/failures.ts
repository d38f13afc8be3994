import { CutoverError, messageOf } from '../base/errors.ts';

/** What the bus daemon and systemd answer with, and what it means here (systemd's own error names). */
const known: Record<string, (unit: string, text: string, cause: unknown) => CutoverError> = {
  'org.freedesktop.systemd1.NoSuchUnit': (unit, _, cause) =>
    new CutoverError('no_such_unit', `systemd knows no unit ${unit}`, {
      mend: `systemctl list-unit-files '${unit}'`,
      cause,
    }),
  'org.freedesktop.systemd1.UnitMasked': (unit, _, cause) =>
    new CutoverError('unit_masked', `${unit} is masked`, { mend: `systemctl unmask ${unit}`, cause }),
  'org.freedesktop.systemd1.UnitExists': (unit, _, cause) =>
    new CutoverError('unit_exists', `${unit} exists already`, { mend: `systemctl status ${unit}`, cause }),
  'org.freedesktop.DBus.Error.AccessDenied': refused,
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired': refused,
  'org.freedesktop.DBus.Error.AuthFailed': refused,
  'org.freedesktop.DBus.Error.NoReply': (_, text, cause) =>
    new CutoverError('bus_lost', `systemd did not answer: ${text}`, { mend: 'systemctl status', cause }),
  'org.freedesktop.systemd1.TransactionIsDestructive': (unit, text, cause) =>
    new CutoverError('systemd_unavailable', `systemd does nothing to ${unit} now, as when it shuts down: ${text}`, {
      mend: 'systemctl list-jobs',
      cause,
    }),
  'org.freedesktop.DBus.Error.ServiceUnknown': (_, text, cause) =>
    new CutoverError('systemd_unavailable', `systemd is not on the bus: ${text}`, { mend: 'ps -p 1', cause }),
};

function refused(unit: string, text: string, cause: unknown): CutoverError {
  return new CutoverError('permission', `systemd refuses to manage ${unit}: ${text}`, {
    mend: 'run with sudo, or let a polkit rule allow org.freedesktop.systemd1.manage-units for this unit',
    cause,
  });
}

/**
 * Gives the error of ours for a failed call.
 * @param call the member, and the unit it was about
 */
export function dbusFailure(error: unknown, call: { member: string; about?: string }): unknown {
  if (error instanceof CutoverError) return error;
  const name = (error as { type?: string }).type ?? '';
  const make = known[name];
  const unit = call.about ?? 'the unit';
  if (make) return make(unit, messageOf(error), error);
  return new CutoverError('failed', `systemd answered ${call.member}(${call.about ?? ''}) with: ${messageOf(error)}`, {
    mend: call.about ? `systemctl status ${call.about}` : 'systemctl status',
    cause: error,
  });
}

/** Whether systemd answered with exactly this error name. */
export function isDbusError(error: unknown, name: string): boolean {
  const cause = error instanceof CutoverError ? error.cause : error;
  return (cause as { type?: string } | undefined)?.type === name;
}
