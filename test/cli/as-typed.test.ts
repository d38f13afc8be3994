import * as assert from 'uvu/assert';
import { tellingAsTyped } from '../../lib/cli/as-typed.ts';
import type { GlobalOptions, Terminal } from '../../lib/cli/command.ts';
import { plainColours } from '../../lib/report/plain.ts';
import { suite } from '../suite.ts';

const test = suite('cli/as typed');

interface Calling {
  name?: string;
  words?: string[];
  wanted?: string;
  options?: GlobalOptions;
}

/** What comes out of a terminal for a text that a command tells. */
function told(text: string, { name = 'deploy', words = [], wanted = '[target]', options = {} }: Calling): string {
  const out: string[] = [];
  const put = (one: string): void => void out.push(one);
  const base = {
    colours: plainColours,
    isLive: false,
    hasReader: () => true,
    isBehind: () => false,
    env: {},
    cwd: '/',
  };
  const terminal: Terminal = { ...base, print: put, tell: put, complain: put };
  tellingAsTyped(terminal, { row: { name, words: wanted }, words, options }).print(text);
  return out.join('');
}

test('S11: what is to be typed names the configuration that was named', () => {
  const options = { config: '/etc/a file.toml' };
  const rows: [string, string][] = [
    ['  -> cutover report main RUN', "  -> cutover report --config '/etc/a file.toml' main RUN"],
    ['  -> df -h /srv; cutover prune', "  -> df -h /srv; cutover prune --config '/etc/a file.toml'"],
    [
      'run 1 since 2: cutover settle main, unless',
      "run 1 since 2: cutover settle --config '/etc/a file.toml' main, unless",
    ],
    ['  -> sudo cutover prune main', "  -> sudo cutover prune --config '/etc/a file.toml' main"],
    ['  -> cutover check --config /other.toml', '  -> cutover check --config /other.toml'],
    ['  -> cutover deploy --help', '  -> cutover deploy --help'],
    ['  -> cutover settle --state-directory /x', '  -> cutover settle --state-directory /x'],
    ['  -> cutover completion bash', '  -> cutover completion bash'],
    ['    | -> cutover deploy', '    | -> cutover deploy'],
    ['what cutover deploys; the next cutover deploy does it', 'what cutover deploys; the next cutover deploy does it'],
  ];
  for (const [text, expected] of rows) assert.is(told(text, { options }), expected);
});

test('S11: what is to be typed names the target that was named, where there may be several', () => {
  const rows: [string, string][] = [
    ['  -> df -h /srv; cutover prune', '  -> df -h /srv; cutover prune main'],
    ['  -> cutover status, or repeat with --wait', '  -> cutover status main, or repeat with --wait'],
    ['  -> cutover rollback, or ln -s x y', '  -> cutover rollback main, or ln -s x y'],
    ['then cutover rollback or cutover deploy --fix-forward', 'then cutover rollback or cutover deploy --fix-forward'],
    [
      '-> then cutover rollback or cutover deploy --fix-forward',
      '-> then cutover rollback main or cutover deploy main --fix-forward',
    ],
    ['  -> cutover builds, then cutover add <archive>', '  -> cutover builds main, then cutover add main <archive>'],
    ['  -> cutover deploy dist.20260203-151116', '  -> cutover deploy main dist.20260203-151116'],
    ['  -> cutover rollback main', '  -> cutover rollback main'],
    ['  -> cutover init --install', '  -> cutover init --install'],
  ];
  for (const [text, expected] of rows) assert.is(told(text, { words: ['main'] }), expected);
});

test('S11: what is no target is not taken for one', () => {
  const rows: Calling[] = [
    { words: ['dist.20260203-151116'], wanted: '[target] [build]' },
    { words: ['20260203-151120-4f2a'], wanted: '[target] [run]' },
    { words: ['app.tar'], wanted: '[target] <archive>' },
    { words: ['/srv/app/builds/dist.20260203-151116'], wanted: '[target] [build]' },
    { words: ['shop.service'], wanted: '[unit]' },
  ];
  rows.push({ name: 'logs', words: ['main'] });
  for (const row of rows) assert.is(told('  -> cutover prune', row), '  -> cutover prune', row.words?.[0]);
  assert.is(
    told('  -> cutover prune', { words: ['main', 'app.tar'], wanted: '[target] <archive>' }),
    '  -> cutover prune main',
  );
});

test('S11: of a document only what is to be typed is changed', () => {
  const document = {
    message: 'see: cutover status',
    error: { mend: 'cutover status, or repeat with --wait' },
    next: ['cutover check', 'ls'],
    checks: [{ observed: '-> cutover prune', mend: null }],
  };
  const expected = {
    ...document,
    error: { mend: "cutover status --config 'a \"b' main, or repeat with --wait" },
    next: ["cutover check --config 'a \"b' main", 'ls'],
  };
  assert.equal(JSON.parse(told(JSON.stringify(document), { words: ['main'], options: { config: 'a "b' } })), expected);
  assert.is(told('{ cutover is no document', { words: ['main'] }), '{ cutover is no document');
});
