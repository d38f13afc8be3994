import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../sandboxed.ts';

/** A file that people read, by its path from the top. */
export interface Text {
  path: string;
  text: string;
}

/** A piece of code in a text, with the line it is on. */
export interface Piece {
  where: string;
  code: string;
}

const tools = 'cutover|safe-deploy|pre-deployment-check|deploy-with-zero-downtime';

/** The files that git tracks, or would, whose paths fit. */
export function textsLike(pattern: RegExp): Text[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: repository,
  });
  const paths = listed
    .toString()
    .split('\0')
    .filter((path) => pattern.test(path));
  return paths.flatMap((path) => {
    try {
      return [{ path, text: readFileSync(join(repository, path), 'utf8') }];
    } catch {
      // Removed, and not yet committed.
      return [];
    }
  });
}

/** A text of Markdown without its fenced blocks, which hold no links and no headings. */
export function withoutBlocks(text: string): string {
  return text.replaceAll(/^( *)(```+)[^\n]*\n.*?^\1\2$/gms, (block) => block.replaceAll(/[^\n]/g, ''));
}

/** What stands between backticks, and each line of fenced blocks. */
export function codeIn({ path, text }: Text): Piece[] {
  const pieces: Piece[] = [];
  let isBlock = false;
  const prose = withoutBlocks(text).split('\n');
  for (const [at, line] of text.split('\n').entries()) {
    const where = `${path}:${at + 1}`;
    if (/^ *```/.test(line)) isBlock = !isBlock;
    else if (isBlock) pieces.push({ where, code: line });
    for (const [, code = ''] of (prose[at] ?? '').matchAll(/`([^`]+)`/g)) pieces.push({ where, code });
  }
  return pieces;
}

/** The command lines of ours in a piece of code, each as its words: pipes, prompts, comments and `sudo` are left out. */
export function commandLines({ where, code }: Piece): { where: string; words: string[] }[] {
  const bare = code
    .trim()
    .replace(/^(\$|->) /, '')
    .replace(/(^|\s)#.*$/, '')
    // What a script adds to a word.
    .replaceAll(/(?<=\w)\$\w+/g, '');
  return bare.split(/ (?:\||&&|\|\||;|──►) |;$/).flatMap((part) => {
    const inside = new RegExp(`^(?:.*[="(]|.*\\s-- )?(?:sudo )?(?:/usr/bin/)?(${tools})(?= |$)(.*)$`).exec(part.trim());
    const [, tool, rest = ''] = inside ?? [];
    return tool === undefined ? [] : [{ where, words: [tool, ...wordsOf(rest)] }];
  });
}

/** Placeholders count as words. */
function wordsOf(rest: string): string[] {
  const ended = rest.replace(/ *[<>]{1,2} .*$| 2?>.*$|["`)]+ *$/g, '');
  return ended
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replaceAll(/^["'[<]+(?=.)|["'\]>]+$/g, ''));
}
