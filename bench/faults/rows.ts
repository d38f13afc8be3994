import { cpus, loadavg, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';

/** What came of one fault, however often it was made. */
export interface Row {
  fault: string;
  times: number;
  survived: number;
  /** the longest time from the fault until a proven build answered and went on answering; null: not timed */
  longestMs: number | null;
  problems: string[];
}

/** Counts what comes of a fault. */
export class Tally {
  readonly row: Row;

  constructor(fault: string) {
    this.row = { fault, times: 0, survived: 0, longestMs: null, problems: [] };
  }

  add(healthyAfterMs: number | null, problem: string | null = null): void {
    this.row.times += 1;
    if (problem === null) this.row.survived += 1;
    else this.row.problems.push(problem);
    if (healthyAfterMs !== null) this.row.longestMs = Math.max(this.row.longestMs ?? 0, healthyAfterMs);
  }

  /** Plays once; what is thrown is a fault that was not survived. */
  async play(round: () => Promise<number | null>): Promise<void> {
    try {
      this.add(await round());
    } catch (error) {
      this.add(null, (error as Error).message.split('\n')[0]);
    }
  }
}

/** The page, with nothing on it that was not counted. */
export function faultsText(rows: readonly Row[], seed: number): string {
  const [, systemd = '?'] = /^systemd (\d+)/.exec(execFileSync('systemctl', ['--version'], { encoding: 'utf8' })) ?? [];
  const [load = 0] = loadavg();
  const gib = Math.round(totalmem() / 2 ** 30);
  const lines = rows.map(({ fault, times, survived, longestMs }) => {
    return `| ${fault} | ${times} | ${survived} | ${longestMs === null ? '–' : `${Math.round(longestMs)} ms`} |`;
  });
  const times = rows.reduce((sum, row) => sum + row.times, 0);
  const survived = rows.reduce((sum, row) => sum + row.survived, 0);
  const problems = rows.flatMap((row) => row.problems.map((problem) => `- ${row.fault}: ${problem}`));
  return `# What was done to it, and whether the service stood

\`npm run bench:faults\` on ${cpus().length} cores, ${gib} GiB, Node ${process.versions.node}, systemd ${systemd}, with a load
average of ${load.toFixed(0)}, on a throw-away systemd (\`lib/sandbox\`); seed ${seed} (\`FAULTS_SEED\` repeats it). Nobody helps after a fault. **Survived** means: \`current\` is a relative link to
a proven build, the process that answers is that build's and the one that systemd started last, no run is in flight, no scope,
settle unit or temporary link is left, and the history tells the same. The **longest time** runs from the fault until a proven
build answers and goes on answering, 0 when it did so all the time; the service of these runs starts in some 50 ms. But for full
disks and boots, a reader in a tight loop follows \`current\` all the time, and a single miss would fail the run.

| fault | times | survived | longest time until healthy again |
| --- | --- | --- | --- |
${lines.join('\n')}
| **all** | ${times} | ${survived} | |
${problems.length === 0 ? '' : `\n## What did not hold\n\n${problems.join('\n')}\n`}`;
}
