import type { LedgerLine } from '../run/ledger.ts';
import type { Mark } from './observed.ts';

/** When each step of a run began, failed and was taken back, and when its end was certain. */
export function marksOf(lines: readonly LedgerLine[]): Mark[] {
  return lines.flatMap((line) => {
    const mark = markOf(line);
    return mark ? [{ atMs: Date.parse(line.at), ...mark }] : [];
  });
}

function markOf(line: LedgerLine): Pick<Mark, 'label' | 'kind'> | null {
  if (line.type === 'step') {
    if (line.state === 'intended') return { label: line.name, kind: 'forward' };
    if (line.state === 'failed') return { label: `✗ ${line.name}`, kind: 'failed' };
    if (line.state === 'reverting') return { label: `↩ ${line.name}`, kind: 'back' };
    if (line.state === 'revert_failed') return { label: `↩ ${line.name} failed`, kind: 'failed' };
  }
  if (line.type !== 'outcome') return null;
  const { outcome } = line.document;
  if (outcome === 'failed') return { label: 'not healthy', kind: 'bad' };
  return { label: outcome === 'rolled_back' ? 'back, proven' : 'proven', kind: 'good' };
}
