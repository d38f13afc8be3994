import type { Answer, CheckAnswer } from '../checks/check.ts';
import type { ManagerKind } from '../config/model.ts';
import type { RunEvent, Listener } from '../run/events.ts';
import type { Colours } from './colour.ts';
import { duration, nextCommands, sentenceOf, wayBackWords } from './words.ts';

export interface TerminalOptions {
  write: (text: string) => void;
  colours: Colours;
  /** on a terminal, the step at work has a line of its own until it is done */
  isLive: boolean;
  /** `quiet`: only the last sentence; `verbose`: every attempt and note */
  level: 'quiet' | 'normal' | 'verbose';
  /** whose units the runs are about, for what to type next */
  manager: ManagerKind;
}

const nameWidth = 15;

/** Tells a run as it happens: a line for each check and step. */
export function terminalListener(options: TerminalOptions): Listener {
  const { colours, level } = options;
  const { line, pending } = lineWriter(options);
  const noted = new Set<string>();
  // What the gate cannot judge of a build, it cannot judge of the one that is gone back to either.
  const isToldAlready = (event: RunEvent): boolean => {
    if (event.type !== 'note' || level === 'verbose') return false;
    const isTold = noted.has(event.message);
    noted.add(event.message);
    return isTold;
  };
  return (event) => {
    if (event.type === 'outcome') for (const text of outcomeLines(event, options)) line(text);
    else if (level !== 'quiet' && !isToldAlready(event)) {
      if (event.type === 'step' && (event.state === 'begun' || event.state === 'reverting')) {
        pending(colours.dim(`  … ${event.name}${event.state === 'reverting' ? ' (back)' : ''}`));
      } else for (const text of linesOf(event, options)) line(text);
    }
  };
}

/** Writes line by line; one that is pending is written over by the next. */
function lineWriter({ write, isLive }: Pick<TerminalOptions, 'write' | 'isLive'>): {
  line: (text: string) => void;
  pending: (text: string) => void;
} {
  let isPending = false;
  const put = (text: string, willPend: boolean): void => {
    write(`${isPending ? '\r\u001B[K' : ''}${text}${willPend ? '' : '\n'}`);
    isPending = willPend;
  };
  return {
    line: (text) => put(text, false),
    pending: (text) => {
      if (isLive) put(text, true);
    },
  };
}

type Telling = Pick<TerminalOptions, 'colours' | 'level'>;

/** What is said of an event, by its type; of any other nothing is. */
const tellers: { [T in RunEvent['type']]?: (event: Extract<RunEvent, { type: T }>, telling: Telling) => string[] } = {
  waiting: ({ message }, { colours }) => [colours.yellow(`  waiting: ${message}`)],
  check: ({ answer }, { colours }) => checkLines(answer, colours),
  checked: ({ safe, forced }, { colours }) =>
    safe || !forced ? [] : [colours.yellow('  going on although checks failed: --force')],
  begin: ({ inputs: { kind, from, to } }, { colours }) => [colours.bold(`${kind} ${from ?? '(nothing)'} -> ${to}`)],
  step: (event, { colours }) => [stepLine(event, colours)],
  attempt: attemptLines,
  going_back: (event, { colours }) => [colours.yellow(`  ${wayBackWords(event)}`)],
  note: ({ message }, { colours }) => [colours.dim(`  note: ${message}`)],
  output: ({ line }, { colours }) => [colours.dim(`    | ${line}`)],
  journal: ({ lines }, { colours }) =>
    lines.length === 0 ? [] : ['  the unit wrote:', ...lines.map((text) => colours.dim(`    | ${text}`))],
};

function linesOf(event: RunEvent, telling: Telling): string[] {
  // Each teller stands under the type of the events that it takes, which the compiler cannot follow here.
  return tellers[event.type]?.(event as never, telling) ?? [];
}

/** One check: what was seen, and when that is not good, what should be and what to type. Several findings: each by itself. */
export function checkLines({ name, when, findings = [], ...answer }: CheckAnswer, colours: Colours): string[] {
  const title = (when === 'after' ? `${name} (after)` : name).padEnd(nameWidth);
  const bad = findings.filter(({ status }) => status !== 'pass');
  if (bad.length === 0) return answerLines(title, answer, { indent: 2, colours });
  const count = `${bad.length} finding${bad.length === 1 ? '' : 's'}`;
  return [
    `  ${markOf(answer.status, colours)} ${title} ${count}`,
    ...bad.flatMap(({ rule, ...found }) => answerLines(`${rule}:`, found, { indent: nameWidth + 5, colours })),
  ];
}

function answerLines(
  name: string,
  { status, observed, expected, mend }: Answer,
  { indent, colours }: { indent: number; colours: Colours },
): string[] {
  const margin = ' '.repeat(indent);
  const first = `${margin}${markOf(status, colours)} ${name} ${observed}`;
  if (status === 'pass') return [first];
  const [command, ...toWrite] = mend?.split('\n') ?? [];
  const below = ' '.repeat(indent === 2 ? nameWidth + 5 : indent + 2);
  return [
    `${first}${colours.dim(` (expected: ${expected})`)}`,
    ...(command ? [`${below}-> ${command}`] : []),
    ...toWrite.map((line) => `${below}     ${line}`),
  ];
}

function markOf(status: Answer['status'], colours: Colours): string {
  return { pass: colours.green('✓'), warn: colours.yellow('!'), fail: colours.red('✗') }[status];
}

function stepLine(
  { name, state, durationMs, warning, message }: Extract<RunEvent, { type: 'step' }>,
  colours: Colours,
): string {
  if (warning !== undefined) return `  ${colours.yellow('!')} ${name.padEnd(nameWidth)} ${warning}`;
  const mark = state === 'done' ? colours.green('✓') : state === 'reverted' ? colours.yellow('↩') : colours.red('✗');
  const text = state === 'reverted' ? 'taken back, ' : state === 'revert_failed' ? 'NOT taken back, ' : '';
  return `  ${mark} ${name.padEnd(nameWidth)} ${text}${duration(durationMs)}${message ? `: ${message}` : ''}`;
}

function attemptLines(
  { number, of, problem, observed }: Extract<RunEvent, { type: 'attempt' }>,
  { colours, level }: Telling,
): string[] {
  if (problem === null) return level === 'verbose' ? [colours.dim(`    attempt ${number} of ${of}: ${observed}`)] : [];
  return level === 'verbose' || !problem.includes('refused')
    ? [colours.dim(`    attempt ${number} of ${of}: ${problem}`)]
    : [];
}

function outcomeLines(
  { document }: Extract<RunEvent, { type: 'outcome' }>,
  { colours, manager }: Pick<TerminalOptions, 'colours' | 'manager'>,
): string[] {
  const { outcome } = document;
  const isGood = outcome === 'deployed' || outcome === 'unchanged';
  const paint = isGood
    ? colours.green
    : outcome === 'failed'
      ? (text: string) => colours.bold(colours.red(text))
      : colours.yellow;
  const next = nextCommands(document, manager).map((command) => `  -> ${command}`);
  const kept = document.failure?.evidence ?? document.cause?.evidence;
  const evidence = kept ? [`  evidence: ${kept}`] : [];
  return [paint(sentenceOf(document)), ...evidence, ...next];
}
