import { onOneLine } from '../../base/lines.ts';
import { redactText } from '../../config/secrets.ts';

/** So much of a line tells what it is about. */
const maxLength = 200;
/** What of a long one is looked through for secrets: an address that the cut goes through is none any more. */
const lookedThrough = 4096;

/** What somebody else says as it fits into an answer: one line, without the secrets that addresses and headers show, then cut. */
export function shortened(line: string, length = maxLength): string {
  const text = redactText(onOneLine(line.trim().slice(0, lookedThrough)).trim());
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
