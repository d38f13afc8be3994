import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { scopeNames } from '../../lib/systemd/scope.ts';
import { type Site, until } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';

/** Longer than any way back of these sites takes, on a busy machine too. */
const endMs = 30_000;

/** Waits, and does nothing else, until no run is in flight and systemd knows nothing of one any more. */
export async function untilEnded(site: Site, timeoutMs = endMs): Promise<void> {
  const { sandbox, state } = site;
  const isOver = async (): Promise<boolean> =>
    !(await readdir(sandbox.hostPath(state))).includes('in-flight') && (await look(site)).units === '';
  await until('the run is ended by systemd', isOver, timeoutMs).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; ${JSON.stringify(await look(site))}`);
  });
}

/**
 * What must hold once a run is over, however: `current` is relative and leads to that build, the process that
 * systemd knows is the one that answers, and it is that build's; nothing of the run is left, no stand-in either, and a
 * socket that holds the port is open.
 */
export async function assertServes(site: Site, build: string): Promise<void> {
  const { sandbox, state, builds } = site;
  // systemd is told of a process's end a moment after whoever waits for that.
  let seen = await look(site);
  const areGone = async (): Promise<boolean> => {
    if (seen.units === '' && seen.standIns === '') return true;
    seen = await look(site);
    return false;
  };
  await until('units are gone', areGone).catch(() => {});
  const { mainPid, units, standIns, socketState, answer } = seen;
  assert.equal([units, standIns], ['', ''], 'units are left');
  if (site.socket !== undefined) assert.is(socketState, 'active', site.socket);
  assert.is(await currentLink(site), build, 'current');
  if (answer?.build !== build)
    assert.equal(answer?.build, build, `what answers; ${(await site.call('report')).stdout}`);
  assert.is(answer?.status, 'healthy');
  assert.is(answer?.pid, mainPid, 'the process that answers is not the one that systemd started last');
  assert.not.ok((await readdir(sandbox.hostPath(state))).includes('in-flight'), 'in-flight is left');
  const strange = (await readdir(sandbox.hostPath(builds))).filter((name) => !/^(dist\.[\d-]+|current)$/.test(name));
  assert.equal(strange, [], 'left in the builds directory');
}

/** Where somebody killed the service and no run waits for it: systemd starts it anew a moment later. */
export async function untilStartedAnew(site: Site): Promise<void> {
  await until('it is started anew', async () => {
    const { mainPid, answer } = await look(site);
    return answer !== null && answer.pid === mainPid;
  });
}

interface Look {
  mainPid: number;
  /** the units of the run, as systemctl lists them; empty: none is left */
  units: string;
  /** the same for the stand-ins */
  standIns: string;
  /** empty where the port belongs to no socket unit */
  socketState: string;
  /** null: nobody answers */
  answer: { status: string; build: string; pid: number } | null;
}

/**
 * One program instead of four, as it is asked some thousand times. A scope that nobody is in is passed over: who is killed
 * while systemd puts it there may leave one behind, and the next run takes it away (`left-scope.test.ts`). It keeps the unit of its
 * settle loaded, which must have ended, and have ended well.
 */
const lookScript = `
systemctl show --property=MainPID --value "$1"
if [ "$(systemctl show --property=TasksCurrent --value "$2")" = 0 ]
then systemctl list-units --all --plain --no-legend "$3" | grep --invert-match ' inactive *dead '
else systemctl list-units --all --plain --no-legend "$2" "$3"
fi
echo ===
[ -z "$5" ] || systemctl is-active "$5"
echo ===
systemctl list-units --all --plain --no-legend "\${1%.service}-next@*"
echo ===
exec 3<>"/dev/tcp/127.0.0.1/$4" || exit 0
printf 'GET /api/health HTTP/1.0\\r\\n\\r\\n' >&3
tail -n 1 <&3
` as const;

export async function look({ sandbox, app, unit, port, socket = '' }: Site): Promise<Look> {
  const { scope, settle } = scopeNames(app, 'production');
  const words = [unit, scope, settle, String(port), socket];
  const { stdout } = await sandbox.exec(['bash', '-c', lookScript, 'look', ...words]);
  const [run = '', socketState = '', standIns = '', answer = ''] = stdout.split('===').map((part) => part.trim());
  const [mainPid, ...units] = run.split('\n');
  return { mainPid: Number(mainPid), units: units.join('\n'), standIns, socketState, answer: parse(answer) };
}

function parse(answer: string): Look['answer'] {
  try {
    return JSON.parse(answer) as Look['answer'];
  } catch {
    return null;
  }
}
