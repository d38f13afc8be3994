/** Runs inside of the sandbox: all rounds, the tools in turn. Progress on stderr, one JSON document on stdout. */
import { describeMachine } from '../machine.ts';
import { prepareBed } from './bed.ts';
import { facts } from './facts.ts';
import { type Results, strategies, type Tool } from './model.ts';
import { type Order } from './play.ts';
import { type Measured, playRound } from './round.ts';
import { rowsOf } from './rows.ts';

const rounds = Number(process.argv[2]);
const isQuick = process.argv[3] === 'quick';

const whole: Order['kind'][] = 'good crash good rollback good sick good dies killed good crash'.split(' ') as never;
const quick: Order['kind'][] = ['good', 'crash', 'sick', 'rollback', 'killed'];
/** How long a good deploy takes before one was measured. */
const guessMs = { restart: 1_000, socket: 1_000, overlap: 2_000 };

const began = performance.now();
const tell = (line: string): void => {
  process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
};

/** The scripts do not come back from a bad build, or only after half a minute: once says as much. */
function kindsOf(tool: Tool, round: number): readonly Order['kind'][] {
  if (tool === 'floor') return round === 1 && !isQuick ? ['good', 'crash', 'sick', 'dies', 'good'] : ['good', 'good'];
  if (tool === 'old script') {
    if (isQuick || round > 3) return [];
    return round === 1 ? ['good', 'crash'] : ['good'];
  }
  return isQuick ? quick : whole;
}

/** Any moment of a deploy, from the start of its program on. */
function randomMoment(tool: Tool, measured: readonly Measured[]): number {
  const known = measured.findLast(({ run }) => run.tool === tool && run.kind === 'good')?.run.ms;
  return (known ?? guessMs[tool as keyof typeof guessMs] ?? 0) * (0.1 + 0.85 * Math.random());
}

const machine = await describeMachine();
await prepareBed();
tell('the machine is up');
const measured: Measured[] = [];
for (let round = 1; round <= rounds; round += 1) {
  for (const tool of [...strategies, 'floor', 'old script'] as const) {
    const kinds = kindsOf(tool, round);
    if (kinds.length === 0) continue;
    measured.push(...(await playRound({ tool, round, kinds, killAfterMs: randomMoment(tool, measured), tell })));
  }
}
const runs = measured.map(({ run }) => run);
const results: Results = { machine, facts, durationMs: performance.now() - began, rows: rowsOf(measured), runs };
process.stdout.write(JSON.stringify(results));
