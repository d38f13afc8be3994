import { redactSentences } from '../base/redactor.ts';
import type { Place } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';
import type { GlobalOptions, Terminal } from './command.ts';

/** Tells how a run ended, in words and, when asked, as the document. @returns the exit code */
export function tellOutcome(
  document: RunDocument,
  place: Pick<Place, 'emit' | 'redact'>,
  { options, terminal }: { options: GlobalOptions; terminal: Terminal },
): number {
  place.emit({ type: 'outcome', document });
  if (options.json) terminal.print(JSON.stringify(redactSentences(document, place.redact)));
  return document.exit_code;
}
