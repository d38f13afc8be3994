import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { childOf } from '../../lib/sandbox/inside.ts';
import { scopeNames } from '../../lib/systemd/scope.ts';
import { type Called, calledFrom, type Site, until } from '../deploy/site.ts';
import { give, obedient, type Orders, recordsOf } from './orders.ts';

/** A process that stands still at a moment. */
export interface Paused {
  untilStill(): Promise<void>;
  /** Waits until the kernel has killed it; what brought it into the sandbox stands still, and has not seen that. */
  untilDead(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it by SIGKILL where it stands. */
  kill(): Promise<void>;
  /** Waits until the command has ended by itself. */
  end(): Promise<Called>;
}

/** Starts a command that stops (SIGSTOP) at a moment, and waits until it stands still. */
export async function pauseAt(site: Site, command: 'deploy' | 'rollback', moment: string): Promise<Paused> {
  await give(site, { [command]: [`${moment} SIGSTOP`] });
  const paused = await begin(site, command);
  await untilPaused(site, command);
  await paused.untilStill();
  return paused;
}

/** The deploy dies as ordered, and the settle that systemd runs after it stops at a moment. */
export async function pauseSettleAt(site: Site, deploy: string, moment: string): Promise<Paused> {
  const { sandbox, app } = site;
  const orders: Orders = { deploy: [deploy], settle: [`${moment} SIGSTOP`] };
  await give(site, orders);
  const killed = await begin(site, 'deploy');
  await untilPaused(site, 'settle');
  const { settle } = scopeNames(app, 'production');
  return { ...killed, resume: async () => void (await sandbox.run('systemctl', 'kill', '--signal=CONT', settle)) };
}

async function begin({ sandbox, config }: Site, command: string): Promise<Paused> {
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

async function untilPaused(site: Site, command: string): Promise<void> {
  await until(`${command} stands still`, async () => {
    const own = (await recordsOf(site)).filter((record) => record.command === command);
    return own.some(({ passed }) => passed.some(({ signal }) => signal === 'SIGSTOP'));
  }).catch(async (error: unknown) => {
    assert.unreachable(`${String(error)}: ${JSON.stringify(await recordsOf(site))}`);
  });
}
