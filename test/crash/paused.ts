import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { childOf } from '../../lib/sandbox/inside.ts';
import { scopeNames } from '../../lib/systemd/scope.ts';
import { type Called, calledFrom, type Site, until } from '../deploy/site.ts';
import { look } from './ended.ts';
import { give, obedient, type Orders, recordsOf } from './orders.ts';

/** A process that stands still at a moment. */
export interface Paused {
  /** false only for who said that the moment may never come: all was over before */
  hasCome: boolean;
  untilStill(): Promise<void>;
  /** Waits until the kernel has killed it; what brought it into the sandbox stands still, and has not seen that. */
  untilDead(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it by SIGKILL where it stands. */
  kill(): Promise<void>;
  /** Waits until the command has ended by itself. */
  end(): Promise<Called>;
}

interface HowSure {
  /** the moment is one of a run that may have been slower, and have done more; default: it has to come */
  mayMiss?: boolean;
}

/** Starts a command that stops (SIGSTOP) at a moment, and waits until it stands still. */
export async function pauseAt(
  site: Site,
  command: 'deploy' | 'rollback',
  moment: string,
  { mayMiss = false }: HowSure = {},
): Promise<Paused> {
  await give(site, { [command]: [`${moment} SIGSTOP`] });
  const paused = await begin(site, command);
  let isOver = false;
  void paused.end().then(
    () => (isOver = true),
    () => (isOver = true),
  );
  const hasCome = await isPaused(site, command, async () => isOver);
  if (hasCome) await paused.untilStill();
  else assert.ok(mayMiss, `it was over before ${moment}`);
  return { ...paused, hasCome };
}

/** The deploy dies as ordered, and the settle that systemd runs after it stops at a moment. */
export async function pauseSettleAt(
  site: Site,
  { deploy, moment }: { deploy: string; moment: string },
  { mayMiss = false }: HowSure = {},
): Promise<Paused> {
  const { sandbox, app } = site;
  const orders: Orders = { deploy: [deploy], settle: [`${moment} SIGSTOP`] };
  await give(site, orders);
  const killed = await begin(site, 'deploy');
  const isOver = async (): Promise<boolean> =>
    (await recordsOf(site)).some(({ command }) => command === 'settle') && (await look(site)).units === '';
  const hasCome = await isPaused(site, 'settle', isOver);
  const { settle } = scopeNames(app, 'production');
  // It says that it stops, and then stops: who wakes it in between wakes nobody.
  if (hasCome) await until('settle stands still', () => isStill(site, settle));
  else assert.ok(mayMiss, `settle was over before ${moment}`);
  const resume = async (): Promise<void> => void (await sandbox.run('systemctl', 'kill', '--signal=CONT', settle));
  return { ...killed, hasCome, resume };
}

/** The kernel has killed them all at once; what brought them into the sandbox stands still too, and has to see it. */
export async function cutPower({ sandbox }: Site, paused: readonly Paused[]): Promise<void> {
  const up = sandbox.reboot();
  for (const one of paused) {
    await one.untilDead();
    await one.resume();
  }
  await up;
}

async function begin({ sandbox, config }: Site, command: string): Promise<Omit<Paused, 'hasCome'>> {
  const args = [command, 'production', '--json', '--config', config];
  const child = await sandbox.startCutover(args, { env: obedient });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // What entered the sandbox for the command stands still a moment after it, and has to be woken: it wakes the command.
  const untilBoth = (): Promise<void> => until('both stand still', () => isIn('T', child.pid));
  const wake = (): void => void process.kill(child.pid, 'SIGCONT');
  return {
    untilStill: untilBoth,
    untilDead: () => until('it is dead', () => isIn('Z', childOf(child.pid))),
    resume: () => untilBoth().then(wake),
    kill: async () => {
      await untilBoth();
      child.kill('SIGKILL');
      wake();
      await child.ended;
    },
    end: async () => {
      const { code } = await child.ended;
      return calledFrom({ code, stdout, stderr });
    },
  };
}

async function isIn(state: 'T' | 'Z', pid: number | null): Promise<boolean> {
  return (await readFile(`/proc/${pid}/status`, 'utf8')).includes(`\nState:\t${state}`);
}

/** The same of a unit's process, which only the sandbox's systemd knows. */
async function isStill({ sandbox }: Site, unit: string): Promise<boolean> {
  const script = 'grep -q "^State:.T" "/proc/$(systemctl show --property=MainPID --value "$1")/status"';
  return (await sandbox.exec(['bash', '-c', script, 'look', unit])).code === 0;
}

/** Waits until it has come to the moment at which it stops. @returns false: it was over before that */
async function isPaused(site: Site, command: string, isOver: () => Promise<boolean>): Promise<boolean> {
  const hasCome = async (): Promise<boolean> => {
    const own = (await recordsOf(site)).filter((record) => record.command === command);
    return own.some(({ passed }) => passed.some(({ signal }) => signal === 'SIGSTOP'));
  };
  await until(`${command} stands still`, async () => (await hasCome()) || (await isOver())).catch(
    async (error: unknown) => {
      assert.unreachable(`${String(error)}: ${JSON.stringify(await recordsOf(site))}`);
    },
  );
  return hasCome();
}
