import type { Redact } from '../base/redactor.ts';

/** So much of a hook's output is told as it comes, and so much of what came last is told at its end. */
const headLength = 512 * 1024;
const tailLength = 256 * 1024;

/** Tells a hook's output line by line, without secrets and without end: a flood fills neither memory nor the log. */
export interface HookOutput {
  take(line: string): void;
  /** Tells what was held back: the last lines, and how many before them are left out. */
  end(): void;
}

/** @param tell receives every line that is to be seen */
export function hookOutput(tell: (line: string) => void, redact: Redact): HookOutput {
  let head = 0;
  let leftOut = 0;
  const tail = lastLines(tailLength);
  return {
    take(line) {
      if (head < headLength) {
        head += line.length + 1;
        tell(redact(line));
        if (head >= headLength)
          tell('… there is much of it: the rest is held back, and its end told when the hook is over');
      } else leftOut += tail.add(line);
    },
    end() {
      if (leftOut > 0) tell(`… ${leftOut} lines are left out here`);
      for (const line of tail.take()) tell(redact(line));
    },
  };
}

/** Keeps the newest lines of a bounded length together. */
function lastLines(most: number): { add: (line: string) => number; take: () => string[] } {
  let lines: string[] = [];
  let first = 0;
  let length = 0;
  return {
    /** @returns how many lines had to go */
    add(line) {
      lines.push(line);
      length += line.length + 1;
      const before = first;
      while (length > most) {
        length -= (lines[first]?.length ?? 0) + 1;
        first += 1;
      }
      const gone = first - before;
      // To shift one by one would move all of the others each time.
      if (first > 4096 && first * 2 > lines.length) {
        lines = lines.slice(first);
        first = 0;
      }
      return gone;
    },
    take: () => lines.slice(first),
  };
}
