/** So much of a line tells what it is about. */
const maxLength = 200;

/** A line as it fits into an answer. */
export function shortened(line: string): string {
  const text = line.trim();
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
