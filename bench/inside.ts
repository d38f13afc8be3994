/** Runs inside of the sandbox: all rounds, then the short commands. Progress on stderr, one JSON document on stdout. */
import { join } from 'node:path';
import { apps, here, makeManyBuilds, manyBuilds, prepareBed } from './bed.ts';
import { describeMachine } from './machine.ts';
import { measureTimed, measureUnderLoad, rate, type Task } from './measure.ts';
import type { Results, Sample, Turns } from './model.ts';
import { toolNames } from './model.ts';
import { openLoadMaker, time } from './process.ts';
import { makeManyTargets, manyConfig } from './targets.ts';

const rounds = Number(process.argv[2]);
/** The old script sleeps for seconds on end: fewer of its rounds say as much. */
const oldRounds = { timed: Math.min(rounds, 5), good: Math.min(rounds, 3), bad: 1 };
const badRounds = Math.ceil(rounds / 2);
const startTurns = Math.max(15, rounds * 2);
const manyCount = 10_000;
const manyTargets = 200;

const began = performance.now();
const tell = (line: string): void => {
  process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
};

async function measureRounds(): Promise<Sample[]> {
  const samples: Sample[] = [];
  const load = openLoadMaker();
  const add = (sample: Sample): void => {
    samples.push(sample);
    const { app, tool, kind, ms, underLoad } = sample;
    const back = underLoad?.backAfterFailureMs?.toFixed(0) ?? '';
    tell(
      `${sample.round}/${rounds} ${app} ${kind.padEnd(5)} ${tool.padEnd(10)} ${ms.toFixed(0).padStart(6)} ms ${back}`,
    );
  };
  for (let round = 1; round <= rounds; round += 1) {
    for (const app of apps) {
      for (const tool of toolNames) {
        if (isDue(tool, round, oldRounds.timed)) add(await measureTimed({ round, app, tool }));
      }
      for (const tool of toolNames) {
        if (isDue(tool, round, oldRounds.good)) add(await measureUnderLoad({ round, app, tool }, 'good', load));
      }
      for (const mode of ['crash', 'sick'] as const) {
        for (const tool of toolNames) {
          if (isBadDue({ round, app, tool })) add(await measureUnderLoad({ round, app, tool }, mode, load));
        }
      }
    }
  }
  load.close();
  return samples;
}

const isDue = (tool: string, round: number, last: number): boolean => tool !== 'old script' || round <= last;

/** The floor never comes back and the old script takes half a minute: once is enough for both. */
function isBadDue({ round, app, tool }: Task): boolean {
  if (app.ballast !== null) return false;
  if (tool === 'cutover') return round <= badRounds;
  return round === 1 && (tool === 'floor' || app === apps[0]);
}

async function takeTurns(commands: Record<string, string[]>, turns: number): Promise<Turns> {
  const times: Turns = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const [name, command] of Object.entries(commands)) {
      const { ms, exitCode, output } = await time(command);
      if (exitCode !== 0) throw new Error(`${command.join(' ')} exited with ${exitCode}: ${output}`);
      // The first turn fills caches and is not counted.
      if (turn > 0) times[name]?.push(ms);
    }
  }
  return times;
}

const cutover = [process.execPath, '/srv/cutover/bin/cutover.js'];

const measuredOn = await describeMachine();
await prepareBed();
tell('the machine is up');
const samples = await measureRounds();
const start = await takeTurns(
  {
    node: [process.execPath, '-e', '0'],
    version: [...cutover, '--version'],
    asking: [process.execPath, '--require', join(here, 'asks.cjs'), '/srv/cutover/bin/cutover.js', 'status', 'fast'],
    status: [...cutover, 'status', 'fast'],
  },
  startTurns,
);
tell('start of the command line measured');
await makeManyBuilds(manyCount);
const listing = await takeTurns({ du: ['du', '--summarize', manyBuilds], builds: [...cutover, 'builds', 'many'] }, 5);
tell(`${manyCount} builds listed`);
const units = await makeManyTargets(manyTargets);
const targets = await takeTurns(
  { systemctl: ['systemctl', 'status', ...units], status: [...cutover, 'status', '--config', manyConfig] },
  5,
);
tell(`${manyTargets} targets looked at`);
const results: Results = { machine: measuredOn, rounds, rate, samples, start, listing, targets };
process.stdout.write(JSON.stringify(results));
