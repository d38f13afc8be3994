import type { RunDocument } from '../run/document.ts';

/** "40 ms", "1.2 s", "3 min 20 s", "12 days". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} days`;
}

/** The one sentence at the end of a run. */
export function sentenceOf(document: RunDocument): string {
  const { outcome, to, from, active, target, duration_ms, downtime_ms, failure } = document;
  const took = `in ${duration(duration_ms)}`;
  const down =
    downtime_ms === null
      ? ''
      : downtime_ms === 0
        ? '; the port was never closed'
        : `; the port was closed for ${duration(downtime_ms)}`;
  switch (outcome) {
    case 'deployed':
      return `${target} serves ${to}, proven healthy ${took}${down}`;
    case 'unchanged':
      return active === null ? `${target}: nothing to do` : `${target} serves ${active} already: nothing to do`;
    case 'refused':
      return `${target} was not touched: ${failure?.message ?? 'the checks above speak against a deploy'}`;
    case 'rolled_back':
      return `${to} failed: ${failure?.message}; ${target} is back on ${active}, verified healthy, ${took}${down}`;
    case 'interrupted':
      return `${target} was not touched: ${failure?.message ?? 'interrupted'}`;
    case 'failed':
      return `${target} IS NOT VERIFIED HEALTHY: ${failure?.message}${from === null ? '; the unit was stopped' : ''}`;
    default:
      return outcome satisfies never;
  }
}

/** What to type after a run that did not go well. */
export function nextCommands({ outcome, target, unit, run, failure }: RunDocument): string[] {
  if (outcome === 'rolled_back') return [`cutover report ${target} ${run}`, `cutover logs ${target} ${run}`];
  if (outcome !== 'failed') return [];
  const look = [`systemctl status ${unit}`, `journalctl -u ${unit} -n 50`];
  // Going back to another build frees no port: first whoever has it has to go.
  if (failure?.reason === 'port_taken')
    return ['sudo ss -ltnp', `systemctl restart ${unit}`, `cutover status ${target}`];
  return [...look, `cutover rollback ${target}`];
}
