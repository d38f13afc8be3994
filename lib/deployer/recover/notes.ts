import type { RunDocument } from '../../run/document.ts';
import type { Emit, RunEvent } from '../../run/events.ts';

/** What is told of an attempt. */
export interface Notes {
  findings: string[];
  actions: string[];
  next: string | null;
  document: RunDocument | null;
}

/** Of the last lines of a program that died, the last one of all is often an empty phrase. */
const troubles = /error|fatal|fail|denied|refused|cannot|unable/i;

/** What a step says on the way is part of what was found and done. */
export function listening(emit: Emit, { findings, actions }: Notes): Emit {
  let step: string | null = null;
  return (event: RunEvent) => {
    emit(event);
    if (event.type === 'step') step = event.state === 'begun' ? event.name : null;
    if (event.type === 'note' && step === 'end-leftovers') {
      (event.message.endsWith('ended') ? actions : findings).push(event.message);
    }
    if (event.type === 'note' && step === 'repair') findings.push(event.message);
    if (event.type === 'journal') {
      const telling = event.lines.findLast((line) => troubles.test(line)) ?? event.lines.at(-1);
      if (telling?.trim()) findings.push(`it wrote: ${telling.trim()}`);
    }
  };
}

/** Adds what a run did, and what stood in its way. @param wasUp the unit ran before it */
export function addOutcome(
  { unit, steps, outcome, failure, to }: RunDocument,
  notes: Notes,
  { wasUp }: { wasUp: boolean },
): void {
  const words: Record<string, string> = {
    'end-leftovers': wasUp ? `stopped ${unit}` : '',
    repair: notes.findings.some((text) => text.startsWith('the repair failed')) ? 'tried the repair' : 'ran the repair',
    start: `started ${unit}`,
    gate: `saw ${to} healthy`,
  };
  const done = steps.filter(({ status }) => status === 'done').map(({ name }) => words[name] ?? name);
  notes.actions.push(...done.filter(Boolean));
  if (outcome === 'deployed' || !failure) return;
  if (failure.step === 'start' && failure.reason !== 'port_taken') notes.actions.push(`tried to start ${unit}`);
  notes.findings.push(`${failure.step} failed: ${failure.message}`);
  if (failure.reason === 'port_taken') notes.next = 'sudo ss -ltnp';
  else if (failure.reason === 'permission') notes.next = `sudo cutover recover ${notes.document?.target}`;
}
