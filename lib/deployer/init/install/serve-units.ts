import { join } from 'node:path';
import { accountOfUser } from '../../../base/accounts.ts';
import { CutoverError } from '../../../base/errors.ts';
import { exec } from '../../../base/exec.ts';
import { ownFile } from '../../../base/own-files.ts';
import type { Config, ManagerKind, TargetConfig } from '../../../config/model.ts';
import { systemctl } from '../../../systemd/typed.ts';
import type { PlannedUnit } from '../enable.ts';
import { receiverRule, receiverUser } from '../receiver-rule.ts';
import { configurationLines } from './monitor-units.ts';
import type { InstallRecord } from './record.ts';
import { othersIn } from './taking-back.ts';
import { dropIn, type InstallFile, mark, shippedUnit, type UnitPlaces } from './unit-files.ts';

const service = 'cutover-serve.service';
const socket = 'cutover-serve.socket';
const request = 'cutover-request@.service';
/** Where an administrator says which users there are to be (sysusers.d(5)). */
const userPath = '/etc/sysusers.d/cutover-serve.conf';
const shippedListen = '127.0.0.1:4040';

/** The webhook receiver, where `[serve]` is configured. */
export interface ReceiverPlan {
  files: InstallFile[];
  units: PlannedUnit[];
  notes: string[];
  /** the user that the service runs as; null: whose manager it is */
  user: string | null;
}

const nothing: ReceiverPlan = { files: [], units: [], notes: [], user: null };
const makeMs = 30_000;

/**
 * What the receiver needs: its units, the one that carries a request out, and on the system's manager the rule that lets it
 * start those.
 * @throws `refused` where it is there for another configuration: there is one on a machine
 */
export async function receiverPlan(
  config: Config & { file: string },
  targets: readonly TargetConfig[],
  { places, record }: { places: UnitPlaces; record: InstallRecord },
): Promise<ReceiverPlan> {
  const { manager, serve } = config;
  if (serve === null) return nothing;
  const [other] = await othersIn(record.units[service] ?? [], config.file);
  if (other !== undefined) throw takenBy(other);
  // Without a file the secret is a credential of the unit, which a person has to give it first.
  const isStarted = serve.secretFile !== null;
  return {
    files: [
      ...[service, socket, request].map((name) => shippedUnit(name, manager, places)),
      ...[service, request].map((unit) => beside(unit, configurationLines(config), places)),
      ...(serve.listen === shippedListen ? [] : [beside(socket, listenLines(serve.listen), places)]),
      ...(manager === 'user' ? [] : [userFile(), { ...receiverRule(config, targets), ...readable }]),
    ],
    units: [socket, service].map((unit) => ({ unit, isStarted })),
    notes: isStarted ? [] : [secretNote(manager)],
    user: manager === 'user' ? null : receiverUser,
  };
}

/** Has systemd make the user as its file says, where there is none of that name. @throws `refused` */
export async function makeReceiverUser(user: string | null): Promise<void> {
  if (user === null || (await accountOfUser(user)) !== null) return;
  const command = ['systemd-sysusers', userPath] as const;
  const { code, stderr } = await exec(command, { timeoutMs: makeMs });
  if (code === 0) return;
  throw new CutoverError('refused', `the user ${user} of the webhook receiver cannot be made: ${stderr.trim()}`, {
    mend: `${command.join(' ')}; then again: cutover init --install`,
  });
}

const readable = { mode: 0o644, known: [], isNeeded: true };

function userFile(): InstallFile {
  const shipped = ownFile('units/cutover-serve.sysusers');
  return { ...readable, path: userPath, text: `${mark}\n${shipped}`, known: [shipped] };
}

function beside(unit: string, lines: string[], { unitDirectory }: UnitPlaces): InstallFile {
  const text = `${[mark, ...lines].join('\n')}\n`;
  return { ...readable, path: join(unitDirectory, `${unit}.d`, dropIn), text };
}

/** An empty assignment takes back what the shipped socket says. */
function listenLines(listen: string): string[] {
  return ['[Socket]', 'ListenStream=', `ListenStream=${listen}`, 'FreeBind=yes'];
}

function secretNote(manager: ManagerKind): string {
  const edit = `${systemctl(manager, `edit ${service}`)} with [Service] LoadCredential=cutover-webhook.secret:FILE`;
  return `[serve] names no secret_file: ${edit}, then ${systemctl(manager, `start ${socket} ${service}`)}`;
}

function takenBy(other: string): CutoverError {
  return new CutoverError('refused', `the webhook receiver of this machine is that of ${other}; nothing was written`, {
    mend: `take [serve] out of one of both; or first: cutover init --uninstall --config ${other}`,
  });
}
