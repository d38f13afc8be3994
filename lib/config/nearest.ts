import { distance } from 'fastest-levenshtein';

/** The name that was probably meant, or undefined when none comes close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .toSorted((a, b) => a.away - b.away);
  const best = ranked[0];
  return best && best.away <= Math.max(2, Math.floor(name.length / 3)) ? best.candidate : undefined;
}
