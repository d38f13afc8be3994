import { sleep } from '../process.ts';
import { type Service, services } from './bed.ts';
import { startLoad } from './load-maker.ts';
import type { Kind, Run, Tool } from './model.ts';
import { type Order, ownTimeOf, play, type Played } from './play.ts';
import { type Stretch, viewer } from './seen.ts';

/** Programs are slow before they have run for a while: nothing is measured meanwhile. */
const warmUpMs = 1_500;
/** What a deploy left to do must not fall into the quiet. */
const restMs = 1_000;

/** A run, and how long each of its requests took. */
export interface Measured {
  run: Run;
  latenciesMs: number[];
}

export interface RoundOrder {
  tool: Tool;
  round: number;
  kinds: readonly Order['kind'][];
  /** how long a deployer that is to be killed may live */
  killAfterMs: number;
  tell: (line: string) => void;
}

/**
 * One tool does one thing after the other under a load that goes on all the time; then, for as long as the good deploys took together,
 * nothing is done: the same load without deploys, in stretches of the same lengths.
 */
export async function playRound({ tool, round, kinds, killAfterMs, tell }: RoundOrder): Promise<Measured[]> {
  const service = serviceOf(tool);
  const load = startLoad(service.port);
  await sleep(warmUpMs);
  const played: (Omit<Played, 'steps'> & { kind: Kind; ownMs: number | null })[] = [];
  for (const kind of kinds) {
    const one = await play({ service, tool, kind, killAfterMs });
    played.push({ ...one, kind, ownMs: tool === 'restart' ? await ownTimeOf(service, one.stretch) : null });
    const { ms, steps, problem } = one;
    tell(`${round} ${tool.padEnd(10)} ${kind.padEnd(8)} ${ms.toFixed(0).padStart(6)} ms  ${steps} ${problem ?? ''}`);
  }
  await sleep(restMs);
  const quiet = await stayQuiet(played.filter(({ kind }) => kind === 'good').map(({ stretch }) => stretch));
  const see = viewer(await load.end());
  const measured = (one: (typeof played)[number]): Measured => {
    const { latenciesMs, ...seen } = see(one.stretch);
    const { kind, exitCode, ms, ownMs, problem } = one;
    return { run: { tool, kind, round, exitCode, ms, ...seen, ownMs, problem }, latenciesMs };
  };
  return [...played, ...quiet].map(measured);
}

/** Waits through stretches as long as the given ones. */
async function stayQuiet(stretches: readonly Stretch[]) {
  const quiet = [];
  let fromMs = performance.timeOrigin + performance.now();
  for (const stretch of stretches) {
    const ms = stretch.toMs - stretch.fromMs;
    await sleep(Math.max(0, fromMs + ms - performance.timeOrigin - performance.now()));
    const kind = 'quiet' as const;
    quiet.push({ stretch: { fromMs, toMs: fromMs + ms }, kind, exitCode: null, ms, ownMs: null, problem: null });
    fromMs += ms;
  }
  return quiet;
}

function serviceOf(tool: Tool): Service {
  const name = tool === 'floor' || tool === 'old script' ? 'scripts' : tool;
  return services.find((service) => service.name === name) as Service;
}
