import { show } from '../figures.ts';
import { goalsOf } from './goals.ts';
import { failures, type Kind, type Results, type Row } from './model.ts';
import { sumOf } from './seen.ts';

const named: Record<Kind, string> = {
  quiet: '(no deploy)',
  good: 'good build',
  rollback: 'rollback by hand',
  crash: 'crashes before it serves',
  sick: 'answers 500',
  dies: 'dies after it listens',
  killed: 'deployer killed',
};

/** The whole page. Every figure comes from the runs. */
export function resultsText(results: Results): string {
  const { machine, facts, durationMs, rows, runs } = results;
  const { cores, memoryGiB, kernel, node, systemd, loadBefore } = machine;
  const { rate, keptConnections, slowShare, slowMs, readyMs, diesAfterMs } = facts;
  const problems = runs.flatMap(({ round, problem }) => (problem === null ? [] : [`- round ${round}: ${problem}`]));
  return [
    '# What clients see of a deploy: the strategies side by side',
    `\`npm run bench:strategies\` on ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, systemd ${systemd}, in ${(durationMs / 60_000).toFixed(1)} min on one throw-away
systemd (\`lib/sandbox\`), the tools in turn within each round. The load average before it was ${loadBefore.toFixed(1)}. Service, load and deployer share the
${cores} cores. Milliseconds differ between machines; ratios carry over.`,
    `- **Service**: Node, with the drain of [draining.md](../draining.md) (\`examples/node-socket/drain.mjs\`), ready ${readyMs} ms after its exec.
- **Load**: ${rate} requests a second, one every ${1000 / rate} ms, whether or not those before were answered; half on new connections, half on ${keptConnections} kept ones;
  ${slowShare * 100} % take ${slowMs} ms to answer, so that work is always under way. A time counts from the moment in which the request was **due**. It comes from a
  process of its own; **generator** is how long that process itself stood still at most.
- **Runs**: a request belongs to the run in which it was due; a run goes from the start of the command until 300 ms after its end. **No deploy** is the same load
  with nothing done, in stretches as long as the good deploys: the noise floor. **Dies** is ${diesAfterMs} ms after the build listens; **deployer killed** is SIGKILL
  at a random moment of a good deploy, and systemd has the run settled.
- **Gap**: the longest time between two good answers, to whomever. **Wait**: the longest time for an answer. p50 and p99 are of all answered requests of all runs.
- **floor** ([floor.sh](floor.sh)) and **old script** ([old-script.sh](old-script.sh)) run fewer times, and bad builds once: the floor never comes back from one (watched for
  5 s), the old script after half a minute.
- **answers 500** with \`overlap\`: who answers on a shared port tells nothing, so without \`health.standin_url\` (as here) the stand-in is proven by its
  readiness and by watching it; what it answers is seen by the gate, when the link has moved.`,
    '## Goals',
    table(
      ['goal', 'measured', ''],
      goalsOf(results).map(({ goal, measured, isMet }) => [goal, measured, isMet ? 'met' : '**not met**']),
    ),
    '## Side by side',
    `Medians (smallest–largest); × is over the normal p99, which is that of the same service without deploys.`,
    rowsTable(rows),
    ...(problems.length === 0 ? [] : ['## What did not hold', problems.join('\n')]),
    '',
  ].join('\n\n');
}

/** The results with a row or a run a line. */
export function resultsJson({ rows, runs, ...others }: Results): string {
  const own = JSON.stringify(others, rounded).slice(0, -1);
  return `${own},\n"rows": ${linesOf(rows)},\n"runs": ${linesOf(runs)}}\n`;
}

function linesOf(items: readonly unknown[]): string {
  return `[\n${items.map((item) => JSON.stringify(item, rounded)).join(',\n')}\n]`;
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(2)) : value;
}

function rowsTable(rows: readonly Row[]): string {
  const head = [
    'by',
    'what',
    'runs',
    'took, ms',
    'requests',
    'failed',
    'gap, ms',
    'longest gap ×',
    'p50 before / during, ms',
    'p99 before / during, ms',
    'p99 ×',
    'longest wait, ms',
    'generator, ms',
  ];
  return table(
    head,
    rows.map((row) => cellsOf(row, rows.find(({ tool, kind }) => tool === row.tool && kind === 'quiet') ?? row)),
  );
}

function cellsOf(row: Row, normal: Row): string[] {
  const isQuiet = row.kind === 'quiet';
  const before = (value: number): string => (isQuiet ? '' : `${value.toFixed(1)} / `);
  const over = (value: number): string => `${(value / normal.p99Ms).toFixed(2)} ×`;
  return [
    row.tool,
    named[row.kind],
    String(row.runs),
    isQuiet ? '' : show(row.ms),
    String(row.requests),
    failedText(row),
    show(row.gapMs, 1),
    over(row.gapMs?.max ?? Number.NaN),
    `${before(normal.p50Ms)}${row.p50Ms.toFixed(1)}`,
    `${before(normal.p99Ms)}${row.p99Ms.toFixed(1)}`,
    over(row.p99Ms),
    row.longestWaitMs.toFixed(0),
    row.stallMs.toFixed(0),
  ];
}

function failedText({ failed, runs }: Row): string {
  const sum = sumOf(failed);
  if (sum === 0) return '0';
  const kinds = failures.filter((name) => failed[name] > 0).map((name) => `${failed[name]} ${name}`);
  return `${sum} (${(sum / runs).toFixed(1)} a run): ${kinds.join(', ')}`;
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
