import type { Colours } from './colour.ts';
import type { Figure, FigureName } from './slo.ts';
import { columns } from './text.ts';
import { duration } from './words.ts';

/** The figures of a target, as `--json` prints them. */
export interface SloReport {
  app: string;
  target: string;
  /** the first run that counts; null: there is none */
  since: string | null;
  until: string;
  window_ms: number;
  runs: number;
  failures: {
    run: string;
    at: string;
    recovered_at: string | null;
    recovered_by: string | null;
    took_ms: number | null;
  }[];
  figures: Record<FigureName, Figure>;
}

const names: Record<FigureName, string> = {
  recovery_success: 'recovery success',
  time_to_recovery_ms: 'time to recovery',
  availability: 'availability',
  time_between_failures_ms: 'time between failures',
};

/** The figures against their goals, and how each is computed. */
export function sloText({ app, target, since, until, window_ms, runs, figures }: SloReport, colours: Colours): string {
  const title = colours.bold(`${app} ${target}`);
  if (since === null) return `${title}: no runs yet, so nothing is known`;
  const entries = Object.entries(figures) as [FigureName, Figure][];
  const rows = columns(entries.map(([name, figure]) => rowOf(name, figure))).split('\n');
  const marked = rows.map((row, at) => `  ${markOf(entries[at]?.[1].met ?? null, colours)} ${row}`);
  return [
    `${title}: ${runs} run${runs === 1 ? '' : 's'} from ${since} to ${until} (${duration(window_ms)})`,
    ...marked,
    ...entries.map(([name, { means }]) => colours.dim(`  ${names[name]}: ${means}`)),
  ].join('\n');
}

function rowOf(name: FigureName, { value, goal, observed }: Figure): string[] {
  const sign = name === 'time_to_recovery_ms' ? 'under' : 'over';
  return [names[name], value === null ? 'unknown' : shown(name, value), `goal: ${sign} ${shown(name, goal)}`, observed];
}

/** A share is cut, not rounded: 99.9996 % is not 100 %. */
function shown(name: FigureName, value: number): string {
  if (name.endsWith('_ms')) return duration(value);
  const percent = value * 100;
  return `${Number.isInteger(percent) ? percent : Math.floor(Number((percent * 1000).toFixed(6))) / 1000} %`;
}

function markOf(met: boolean | null, colours: Colours): string {
  return met === null ? colours.yellow('?') : met ? colours.green('✓') : colours.red('✗');
}
