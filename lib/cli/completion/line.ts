/** A shell's line up to the cursor. */
export interface Line {
  /** the words as the program would get them; the last one is being typed, and may be empty */
  words: string[];
  /** the last word is the file of a redirection */
  isRedirection: boolean;
}

const escapedInQuotes = '"\\$`\n';

/**
 * Splits the begin of a command line as a POSIX shell does: quotes, backslashes, redirections. What would be expanded
 * stays as it is typed.
 */
export function splitLine(text: string): Line {
  const words: string[] = [];
  let word: string | null = null;
  let isRedirection = false;
  const end = (): void => {
    if (word !== null && !isRedirection) words.push(word);
    if (word !== null) isRedirection = false;
    word = null;
  };
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    const piece = pieceAt(text, at);
    if (/\s/.test(character)) end();
    else if (character === '<' || character === '>') {
      // The digit before it is the descriptor's, and no word.
      if (word !== null && !/^\d$/.test(word)) end();
      word = null;
      isRedirection = true;
    } else word = (word ?? '') + piece.text;
    at = piece.end;
  }
  return { words: [...words, word ?? ''], isRedirection };
}

/** One character, or all that a pair of quotes holds; quotes that are still open end with the text. */
function pieceAt(text: string, at: number): { text: string; end: number } {
  const first = text.charAt(at);
  if (first === '\\') return { text: text.charAt(at + 1), end: at + 2 };
  if (first === "'") {
    const close = text.indexOf("'", at + 1);
    return close < 0
      ? { text: text.slice(at + 1), end: text.length }
      : { text: text.slice(at + 1, close), end: close + 1 };
  }
  return first === '"' ? inQuotes(text, at + 1) : { text: first, end: at + 1 };
}

function inQuotes(text: string, start: number): { text: string; end: number } {
  let inside = '';
  let at = start;
  for (; at < text.length && text.charAt(at) !== '"'; at += 1) {
    if (text.charAt(at) === '\\' && escapedInQuotes.includes(text.charAt(at + 1))) at += 1;
    inside += text.charAt(at);
  }
  return { text: inside, end: at + 1 };
}
