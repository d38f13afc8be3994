import { asTypedElsewhere } from '../typed-elsewhere.ts';
import type { ShownRun, ShownRunning, ShownTarget, Standing } from './model.ts';

/** What a look at a target found. */
export interface Seen {
  /** what is wrong with the service itself, a sentence each; null: it could not be looked at */
  service: string[] | null;
  /** why it could not be looked at, and what else is to be told */
  notes: string[];
  /** that something else serves than `current` names; null: it does not */
  moved: string | null;
  /** the command that is to be typed first, where it is known from the look alone */
  next: string | null;
}

/** How a target stands, what is wrong with it and what to type next. */
export function standingOf(
  target: string,
  { config, ...known }: { seen: Seen; running: ShownRunning | null; last: ShownRun | undefined; config: string | null },
): Pick<ShownTarget, 'standing' | 'findings' | 'next'> {
  const { seen, running } = known;
  const standing = wordFor(seen, running);
  const found = [...(seen.service ?? []), ...(seen.moved === null ? [] : [seen.moved])];
  // What a run does explains what it leads to.
  const findings = standing === 'changing' ? seen.notes : [...found, ...seen.notes];
  const next = nextFor(target, { standing, ...known }).map((command) => asTypedElsewhere(command, config));
  return { standing, findings: [...new Set(findings)], next };
}

function wordFor({ service }: Seen, running: ShownRunning | null): Standing {
  // Between stop and start nothing listens, and nobody has to be woken for it.
  if (running?.state === 'at_work') return 'changing';
  if (service === null) return 'unknown';
  return service.length === 0 ? 'up' : 'down';
}

function nextFor(
  target: string,
  {
    standing,
    seen,
    running,
    last,
  }: { standing: Standing; seen: Seen; running: ShownRunning | null; last: ShownRun | undefined },
): string[] {
  if (running?.state === 'cut_off') return [`cutover settle ${target}`];
  if (standing === 'changing') return [`cutover logs ${target} --follow`];
  if (standing === 'unknown') return [`cutover status ${target}`];
  if (seen.next !== null) return [seen.next];
  if (seen.moved !== null) return [`cutover check ${target}`];
  if (standing === 'up') return last?.outcome === 'failed' ? [] : (last?.next ?? []).slice(0, 1);
  // A run that left it so knows best; otherwise it fell down by itself.
  if (last?.outcome === 'failed') return last.next;
  return [`cutover recover ${target}`, `cutover status ${target}`, `cutover rollback ${target}`];
}
