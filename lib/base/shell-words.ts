/** A word as a person types it to a shell: in quotes where it needs them. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A command as a person types it. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
