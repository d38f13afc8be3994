import type { RunDocument } from '../run/document.ts';
import type { RunInputs } from '../run/inputs.ts';
import { openLedger } from '../run/ledger.ts';
import type { Place } from './place.ts';

/**
 * Keeps the record of a run that ended before its first step, where hooks had been at work for it: history and report tell
 * of them. One that only asked its checks leaves none.
 * @returns the document
 */
export async function keepRecord(
  inputs: RunInputs,
  document: RunDocument,
  { paths, emit, redact }: Pick<Place, 'paths' | 'emit' | 'redact'>,
): Promise<RunDocument> {
  if ((inputs.stages ?? []).length === 0) return document;
  try {
    const ledger = await openLedger(paths, inputs.run, redact);
    try {
      await ledger.write({ type: 'begin', inputs });
      await ledger.write({ type: 'outcome', document });
    } finally {
      await ledger.close();
    }
  } catch {
    emit({ type: 'note', message: `the outcome could not be written to ${paths.runs}` });
  }
  return document;
}
