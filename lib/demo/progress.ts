import type { Colours } from '../report/colour.ts';
import type { Sample } from './observed.ts';
import { readable } from './tell.ts';

export interface ProgressOptions {
  tell: (text: string) => void;
  colours: Colours;
  /** on a terminal one line is written over and over; otherwise every line stays */
  isLive: boolean;
  columns: number;
  samples: readonly (readonly Sample[])[];
  letters: ReadonlyMap<string, string>;
}

/** Tells what commands say while they work. */
export interface Progress {
  /** Receives the lines of one command. @param who which one, where several are at work */
  follow: (who?: string) => (line: string) => void;
  end: () => void;
}

const refreshMs = 80;

/** The run's steps and attempts. The checks before it are the same in every act, and the outcome is told with the picture. */
const isStep = (line: string): boolean =>
  /^(deploy|rollback) | {2}[\u2713\u2717\u21a9] | {4}attempt | {2}going back/.test(line);

/** Begins to tell. */
export function startProgress({ tell, colours, isLive, columns, samples, letters }: ProgressOptions): Progress {
  const soFar = tally(samples);
  let latest = 'checks';
  const draw = (): void => tell(`\r\u001B[K${colours.dim(cut(`  … ${soFar()}   ${latest}`, columns - 1))}`);
  const timer = isLive ? setInterval(draw, refreshMs) : undefined;
  return {
    follow: (who) => {
      const named = who === undefined ? '' : `${who}  `;
      let hasBegun = false;
      return (line) => {
        hasBegun ||= /^(deploy|rollback) /.test(line);
        if (!hasBegun || !isStep(line)) return;
        latest = readable(named + line.trim(), letters);
        if (!isLive) tell(`${cut(`    ${named}${readable(line, letters)}`, Math.max(columns, 100))}\n`);
      };
    },
    end: () => {
      clearInterval(timer);
      if (isLive) tell('\r\u001B[K');
    },
  };
}

/** How long it goes on from now, and how many requests were answered meanwhile. */
function tally(samples: ProgressOptions['samples']): () => string {
  const [beganMs, before] = [performance.now(), samples.map(({ length }) => length)];
  return () => {
    const mine = samples.flatMap((each, index) => each.slice(before[index]));
    const good = mine.filter(({ answer }) => answer === 'ok').length;
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
    return `${seconds} s   ${mine.length} requests, ${good} answered`;
  };
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
