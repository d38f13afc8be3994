/** A page of the manual: where it belongs, and its body in roff. */
export interface Page {
  /** as in `man cutover.toml` */
  name: string;
  section: 1 | 5;
  /** what apropos(1) finds: the end of the line NAME */
  does: string;
  /** what the head of the page says in the middle */
  title: string;
  version: string;
  body: string[];
}

/** The whole page. Without a date: the same version gives the same bytes. */
export function pageText({ name, section, does, title, version, body }: Page): string {
  const lines = [
    `.\\" Written by the build from the tables of cutover: changes here are lost.`,
    `.TH ${quoted(name.toUpperCase())} ${section} "" ${quoted(`cutover ${version}`)} ${quoted(title)}`,
    '.nr HY 0',
    '.nh',
    '.ad l',
    ...heading('Name'),
    `${plain(name)} \\- ${plain(does)}`,
    ...body,
  ];
  return `${lines.join('\n')}\n`;
}

/** The begin of a section. */
export function heading(text: string): string[] {
  return [`.SH ${quoted(text.toUpperCase())}`];
}

/** The begin of a part of a section. */
export function subheading(text: string): string[] {
  return [`.SS ${quoted(text)}`];
}

/** A paragraph; words between backticks are bold. */
export function paragraph(text: string): string[] {
  return ['.PP', prose(text)];
}

/** A term, and below it what it means, in one or more paragraphs. @param term in roff already */
export function entry(term: string, [first = '', ...more]: string[]): string[] {
  return ['.TP', term, prose(first), ...more.flatMap((text) => ['.IP', prose(text)])];
}

/** Lines as they are typed. */
export function literal(lines: string[]): string[] {
  return ['.PP', '.in +4n', '.EX', ...lines.map((line) => guarded(plain(line))), '.EE', '.in'];
}

/** To be typed as it is. */
export function bold(text: string): string {
  return `\\fB${plain(text)}\\fP`;
}

/** To be replaced by a value. */
export function italic(text: string): string {
  return `\\fI${plain(text)}\\fP`;
}

/** A sentence; words between backticks are bold. */
export function prose(text: string): string {
  const parts = text.split('`').map((part, at) => (at % 2 === 1 ? bold(part) : plain(part)));
  return guarded(parts.join(''));
}

/** What roff takes for something else than itself; a bare hyphen would come out as another character than was typed. */
const escapes: Record<string, string> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

function plain(text: string): string {
  return text.replaceAll(/[\\\-'"`^~]|[^\0-\x7f]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return escapes[character] ?? `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

/** A line that begins with a dot would be taken for a request. */
function guarded(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line;
}

function quoted(text: string): string {
  return `"${plain(text)}"`;
}
