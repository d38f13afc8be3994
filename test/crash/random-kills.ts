import * as assert from 'uvu/assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Site, SiteOptions } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { newestRun } from './death.ts';
import { assertServes, untilEnded, untilStartedAnew } from './ended.ts';
import { badKinds, type Kind, letsThievesIn } from './kinds.ts';
import { deployNext } from './next.ts';
import { give, obedient } from './orders.ts';
import { type Prober, startProber } from './prober.ts';

/** What a site needs so that every kind of build shows what it is, and soon. */
export const everyKind: SiteOptions = {
  service: letsThievesIn,
  tables: {
    start: ['timeout = "10s"'],
    // A busy machine answers late: a build that never answers is to be told from one that is only slow.
    health: ['healthy_for = "300ms"', 'timeout = "3s"', 'attempts = 2', 'interval = "50ms"'],
  },
};

/** One random death and what came of it. */
export interface RandomKill {
  /** what was done, in words; with the seed it can be done again */
  did: string;
  /** how the process really ended */
  ended: string;
  /** from the first signal until a proven build answers and goes on answering; 0: it did so all the time */
  untilHealthyMs: number;
  /** what did not hold; null: all did */
  problem: string | null;
}

export interface RandomKills {
  seed: number;
  rounds: RandomKill[];
  /** the longest time until a proven build answered again */
  longestMs: number;
}

/**
 * Deploys and rolls back builds of every kind, and kills whoever does it at random moments, sometimes gently,
 * sometimes twice, sometimes the service and the settle with it. Nobody helps; the next round begins from what is left.
 * @param site made with `everyKind`, and obedient; its first build is deployed
 * @param seed the same one gives the same kinds, signals and times
 */
export async function randomKills(site: Site, seed: number, count: number): Promise<RandomKills> {
  const random = generator(seed);
  const prober = await startProber(site);
  const rounds: RandomKill[] = [];
  try {
    await deployNext(site);
    while (rounds.length < count) rounds.push(await playRound(site, planRound(site, random), prober));
    await deployNext(site);
  } finally {
    await prober.stop();
  }
  return { seed, rounds, longestMs: Math.max(0, ...rounds.map(({ untilHealthyMs }) => untilHealthyMs)) };
}

const ways = [
  ['SIGKILL'],
  ['SIGKILL'],
  ['SIGKILL', 'service'],
  ['SIGTERM'],
  ['SIGTERM', 'SIGKILL'],
  ['SIGINT', 'SIGTERM'],
  ['SIGTERM', 'service', 'SIGKILL'],
] as const;

/** Where a stand-in may run, it dies too. */
const waysBehindSocket = [
  ...ways,
  ['SIGKILL', 'stand-in'],
  ['SIGKILL', 'service', 'stand-in'],
  ['stand-in', 'SIGKILL'],
] as const;

const kinds: [string, Kind][] = [
  ['is good', { behaviour: {} }],
  ['is good', { behaviour: {} }],
  ...Object.entries(badKinds),
];

/** Nobody else can take a port that systemd never lets go. */
const kindsBehindSocket = kinds.filter(([, { add }]) => add === undefined);

interface Plan {
  name: string;
  kind: Kind;
  command: 'deploy' | 'rollback';
  way: (typeof waysBehindSocket)[number];
  afterMs: number;
  pauseMs: number;
  settle: string[];
}

function planRound({ socket }: Site, random: () => number): Plan {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const [name, kind] = pick(socket === undefined ? kinds : kindsBehindSocket);
  return {
    name,
    kind,
    command: random() < 0.2 ? 'rollback' : 'deploy',
    way: pick(socket === undefined ? ways : waysBehindSocket),
    afterMs: Math.round(random() * (kind.lastsMs ?? 900)),
    pauseMs: Math.round(random() * 150),
    settle: random() < 0.3 ? [`ms ${Math.round(random() * 600)}`] : [],
  };
}

async function playRound(site: Site, plan: Plan, prober: Prober): Promise<RandomKill> {
  const { name, kind, command, way, afterMs, pauseMs, settle } = plan;
  const what = command === 'deploy' ? `deploy of a build that ${name}` : 'rollback';
  const times = `after ${afterMs} ms, ${pauseMs} ms apart${settle.map((order) => `, settle after ${order}`).join('')}`;
  // A rollback never goes forward again: there has to be a build to go back from.
  if (command === 'rollback') await deployNext(site);
  const from = (await currentLink(site)) ?? '';
  if (command === 'deploy') await (kind.add ? kind.add(site) : site.add(kind.behaviour));
  await give(site, { settle });
  // The service is killed in many rounds, by hand: systemd would give it up some time, whoever deploys or not.
  await site.sandbox.exec(['systemctl', 'reset-failed', site.unit]);
  const { code, signal, since, said } = await strike(site, plan);
  const told = { did: `${what}: ${way.join(', ')} ${times}`, ended: signal ?? `exit ${code}` };
  try {
    await untilEnded(site);
    const isGood = name === 'is good' || command === 'rollback';
    return { ...told, untilHealthyMs: await judge(site, { from, isGood, code, since }, prober), problem: null };
  } catch (error) {
    return { ...told, untilHealthyMs: Date.now() - since, problem: `${(error as Error).message}\n${said}` };
  }
}

/** Longer than any run of these takes. */
const endMs = 30_000;

async function strike(site: Site, { command, way, afterMs, pauseMs }: Plan) {
  const { sandbox, config, unit, app } = site;
  const services = { service: unit, 'stand-in': `${app}-next@*.service` };
  const child = await sandbox.startCutover([command, 'production', '--json', '--config', config], { env: obedient });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await sleep(afterMs);
  const since = Date.now();
  for (const signal of way) {
    if (signal in services) await sandbox.exec(['systemctl', 'kill', '--signal=KILL', services[signal as 'service']]);
    else child.kill(signal as NodeJS.Signals);
    if (signal !== way.at(-1)) await sleep(pauseMs);
  }
  const late = sleep(endMs, null, { ref: false });
  const end = await Promise.race([child.ended, late]);
  if (end) return { ...end, since, said };
  said += `\nIT DID NOT END. ${(await sandbox.exec(['ps', '-eo', 'pid,ppid,stat,wchan:20,args'])).stdout}`;
  child.kill('SIGKILL');
  return { code: -1, signal: null, since, said };
}

interface End {
  from: string;
  /** whether what was deployed may serve */
  isGood: boolean;
  code: number | null;
  since: number;
}

/** @returns the time until a proven build answered again */
async function judge(site: Site, { from, isGood, code, since }: End, prober: Prober): Promise<number> {
  const document = await newestRun(site);
  const link = (await currentLink(site)) ?? '';
  const isProven = link === from || (isGood && link === document.to && document.outcome === 'deployed');
  assert.ok(isProven, `${link} was not proven`);
  const tookMs = await prober.untilServes(link, since);
  await untilStartedAnew(site);
  await assertServes(site, link);
  // 3 and 1 would be for a person.
  assert.ok([null, 0, 4, 130].includes(code), `exit ${code}`);
  return tookMs;
}

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
