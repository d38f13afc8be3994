import picocolors from 'picocolors';

export type Colours = ReturnType<typeof picocolors.createColors>;

/** Colours for a stream, or functions that change nothing. `NO_COLOR` is obeyed (no-color.org). */
export function coloursFor(
  stream: { isTTY?: boolean },
  { isWanted, env }: { isWanted: boolean; env: NodeJS.ProcessEnv },
): Colours {
  return picocolors.createColors(isWanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb');
}
