import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { globalOptions, shownFlags } from '../../lib/cli/command.ts';
import { commands } from '../../lib/cli/commands.ts';
import { inShort } from '../../lib/cli/help.ts';
import { parse } from '../../lib/cli/parse.ts';
import { waitMsOf } from '../../lib/cli/waiting.ts';
import { version } from '../../lib/version.ts';
import { suite } from '../suite.ts';

const test = suite('cli/parse');
const shown = commands.filter(({ isHidden }) => !isHidden);

/** The words and options of a command line that is right. */
function run(...argv: string[]) {
  const request = parse(argv);
  assert.is(request.kind, 'run', argv.join(' '));
  if (request.kind !== 'run') throw new Error('no command');
  const { '--': _rest, ...options } = request.options as Record<string, unknown>;
  return { name: request.row.name, words: request.words, options };
}

/** What a command line that is wrong is answered with. */
function refusal(...argv: string[]): CutoverError {
  try {
    parse(argv);
  } catch (error) {
    assert.ok(error instanceof CutoverError, `${argv.join(' ')}: ${String(error)}`);
    assert.ok(error.mend, argv.join(' '));
    return error;
  }
  throw new Error(`${argv.join(' ')} is taken`);
}

function textOf(...argv: string[]): string {
  const request = parse(argv);
  return request.kind === 'text' ? request.text : (assert.unreachable(argv.join(' ')) as never);
}

test('S8: a build stays the word that it is', () => {
  for (const build of [
    '20260203-151116',
    'dist.20260203-151116',
    '007',
    '1.10',
    '1e3',
    '0x10',
    './dist.20260203-151116',
    '/srv/b',
    'true',
  ])
    assert.equal(run('deploy', 'production', build).words, ['production', build]);
  assert.equal(run('rollback', '2', '20260203').words, ['2', '20260203']);
  assert.equal(run('report', 'production', '20260203-151120-4f2a').words, ['production', '20260203-151120-4f2a']);
  assert.equal(run('direct', 'app.service', '/srv/b/dist.20260203-151116', '09000').words[2], '09000');
});

test('S2: words may be left out, and options stand anywhere behind the command', () => {
  assert.equal(run('deploy').words, []);
  for (const argv of [
    ['deploy', 'production', '20260203-151116', '--force', '--json'],
    ['deploy', '--force', 'production', '--json', '20260203-151116'],
    ['deploy', '--json', '--force', 'production', '20260203-151116'],
  ]) {
    const { name, words, options } = run(...argv);
    assert.equal([name, words], ['deploy', ['production', '20260203-151116']], argv.join(' '));
    assert.equal([options.force, options.json], [true, true], argv.join(' '));
  }
});

test('S8: words behind -- count as the others do', () => {
  assert.equal(run('deploy', 'production', '--', '20260203-151116').words, ['production', '20260203-151116']);
  assert.equal(run('deploy', '--force', '--', 'production', '20260203-151116').words, [
    'production',
    '20260203-151116',
  ]);
  const extra = refusal('deploy', 'production', '--', '20260203-151116', 'more');
  assert.match(extra.message, 'does not know what to do with "more"');
});

test('S2: options for every command may stand before it', () => {
  for (const [argv, option, value] of [
    [['--json', 'deploy', 'production'], 'json', true],
    [['--config', 'x.toml', 'deploy', 'production'], 'config', 'x.toml'],
    [['--config=x.toml', 'deploy', 'production'], 'config', 'x.toml'],
  ] as const) {
    const { name, words, options } = run(...argv);
    assert.equal([name, words, options[option]], ['deploy', ['production'], value], argv.join(' '));
  }
});

test('S7: a flag does not take the word behind it for its value', () => {
  for (const [flag, option] of [
    ['--force', 'force'],
    ['--dry-run', 'dryRun'],
    ['--fix-forward', 'fixForward'],
  ] as const) {
    const { words, options } = run('deploy', 'production', flag, '20260203-151116');
    assert.equal([words, options[option]], [['production', '20260203-151116'], true], flag);
  }
});

test('S7: what was not asked for is not there', () => {
  const { options } = run('deploy', 'production');
  for (const name of ['force', 'fixForward', 'dryRun', 'wait', 'json', 'quiet', 'verbose', 'config'])
    assert.not.ok(options[name], name);
});

test('S8: --wait has a time of its own or none', () => {
  const without = waitMsOf(run('deploy', 'production', '--wait').options.wait as string);
  assert.is(without, 5 * 60_000);
  assert.is(run('deploy', 'production', '--wait=10min').options.wait, '10min');
  assert.is(run('rollback', '--wait=90s', 'production').options.wait, '90s');
  const { words, options } = run('deploy', '--wait', 'staging');
  assert.equal([words, waitMsOf(options.wait as string)], [['staging'], without]);
  assert.is(run('deploy', 'production', '--dry-run', '--fix-forward').options.fixForward, true);
});

test('S7, S8: what is no value of an option is not taken for a target', () => {
  const cases: [argv: string[], message: string, mend: string][] = [
    [['deploy', '--force=1', 'staging'], '--force takes no value', 'cutover deploy --help'],
    [['check', '--json=yes'], '--json takes no value', 'cutover check --help'],
    [['deploy', '--wait', '5min'], '5min is read as a word of its own, and not as the value of --wait', '--wait=5min'],
    [['history', '--limit'], '--limit lacks its value: --limit <n>', 'cutover history --help'],
    [['history', '--limit', ''], '--limit lacks its value: --limit <n>', 'cutover history --help'],
    [['history', '--limit='], '--limit lacks its value: --limit <n>', 'cutover history --help'],
    [['status', '--config', ''], '--config lacks its value: --config <file>', 'cutover status --help'],
    [['--config', '', 'status'], '--config lacks its value: --config <file>', 'cutover status --help'],
    [['add', '--revision=', 'a.tar'], '--revision lacks its value: --revision <text>', 'cutover add --help'],
    [['recover', '--only', 'a', '--only', ''], '--only lacks its value: --only <name...>', 'cutover recover --help'],
    [['deploy', '--wait='], '--wait lacks its value: --wait[=time]', 'cutover deploy --help'],
  ];
  for (const [argv, message, mend] of cases) {
    const error = refusal(...argv);
    assert.equal([error.exitCode, error.message, error.mend], [64, message, mend], argv.join(' '));
  }
  assert.equal(run('deploy', '--wait', 'staging').words, ['staging']);
  assert.equal(run('verify', '--', '--force=1').words, ['--force=1']);
  assert.equal(run('verify', '--', '--config', '').words, ['--config', '']);
});

test('S7: an option with one value is given once', () => {
  for (const [name, ...argv] of [
    ['--revision', 'add', 'a.tar', '--revision', 'x', '--revision', 'y'],
    ['--revision', 'add', '--revision=x', 'a.tar', '--revision', 'y'],
    ['--wait', 'deploy', '--wait', 'staging', '--wait=5min'],
    ['--config', '--config', 'a.toml', 'deploy', '--config=b.toml'],
  ]) {
    const error = refusal(...argv);
    assert.equal([error.exitCode, error.message], [64, `${name} is given twice`], argv.join(' '));
  }
  assert.is(run('recover', '--only', 'a', '--only=b').options.only, 'a,b');
  assert.equal(run('add', 'a.tar', '--revision', 'x', '--', '--revision').words, ['a.tar', '--revision']);
});

test('S7, W3: a flag that is typed again says what it said the first time', () => {
  for (const row of commands) {
    const words = row.words.split(' ').filter((word) => word.startsWith('<'));
    for (const [flags] of [...row.options, ...globalOptions].filter(([text]) => !/[<[]/.test(text))) {
      const once = run(row.name, ...words, flags).options;
      for (const times of [2, 3]) {
        const again = run(row.name, ...Array(times - 1).fill(flags), ...words, flags);
        assert.equal(again.options, once, `${row.name} ${flags}, ${times} times`);
      }
    }
  }
  assert.is(run('prune', '--dry-run', 'production', '--dry-run').options.dryRun, true);
  assert.equal(run('prune', '--dry-run', '--dry-run', 'production').words, ['production']);
});

test('S9: a mistake is told in the name that was called', () => {
  for (const [tool, command, called] of [
    ['deploy-with-zero-downtime', 'direct', 'deploy-with-zero-downtime'],
    ['safe-deploy', 'deploy', 'safe-deploy'],
    ['cutover', 'deploy', 'cutover deploy'],
  ] as const) {
    const help = parse([command, '--help'], tool);
    assert.match(help.kind === 'text' ? help.text : '', `Usage: ${called} `);
    assert.throws(
      () => parse([command, '--nonsense'], tool),
      (error: CutoverError) =>
        error.message === `${called} has no option --nonsense` && error.mend === `${called} --help`,
    );
  }
});

test('S2: a command that does not exist names the nearest one', () => {
  const cases: [string, string | null][] = [
    ['deplyo', 'deploy'],
    ['rolback', 'rollback'],
    ['stat', 'status'],
    ['Deploy', 'deploy'],
    ['histroy', 'history'],
    ['directt', null],
    ['xxxxxxxxxx', null],
  ];
  for (const [name, near] of cases) {
    const error = refusal(name, 'production');
    assert.equal([error.code, error.exitCode], ['usage', 64], name);
    assert.match(error.message, name);
    if (near) assert.match(error.message, `did you mean ${near}?`);
    assert.not.match(error.message, /mean direct/);
  }
  assert.match(refusal('--jsn').message, 'there is no option --jsn');
  assert.match(refusal('--json').message, '--json goes with a command');
  assert.match(refusal('--config').message, '--config goes with a command');
  assert.match(refusal('--json', 'deplyo', 'production').message, 'did you mean deploy?');
  assert.match(refusal('--jsn', 'deploy', 'production').message, 'did you mean --json?');
});

test('S2: an option that does not exist names the nearest one', () => {
  const cases: [string[], string | null][] = [
    [['deploy', 'production', '--forse'], '--force'],
    [['deploy', 'production', '--fixforward'], '--fix-forward'],
    [['deploy', 'production', '--jsn'], '--json'],
    [['check', '--force'], null],
    [['status', '--xxxxxxxxxxxxxxxx'], null],
    [['history', '-n', '3'], null],
  ];
  for (const [argv, near] of cases) {
    const error = refusal(...argv);
    assert.equal([error.code, error.exitCode, error.mend], ['usage', 64, `cutover ${argv[0]} --help`], argv.join(' '));
    if (near) assert.match(error.message, `did you mean ${near}?`);
  }
});

test('S2: one word too many, a value that is missing, a word that is missing', () => {
  const extra = refusal('deploy', 'production', '20260203-151116', 'more');
  assert.equal([extra.exitCode, extra.message], [64, 'cutover deploy does not know what to do with "more"']);
  const several = refusal('init', 'shop.service', '--adopt', '--shared', 'data', '.env');
  assert.equal(
    [several.message, several.mend],
    [
      'cutover init does not know what to do with ".env"',
      'each has its option: --shared data --shared .env; or --shared data,.env',
    ],
  );
  assert.is(refusal('init', 'shop.service', 'more', '--shared', 'data', '--adopt').mend, 'cutover init --help');
  assert.is(refusal('config', 'production').exitCode, 64);
  assert.is(refusal('check', 'production', 'staging').exitCode, 64);
  assert.is(refusal('check', '--config').exitCode, 64);
  assert.is(refusal('history', '--limit').exitCode, 64);
  for (const words of [[], ['app.service'], ['app.service', '/srv/b']])
    assert.is(refusal('direct', ...words).exitCode, 64);
});

test('S2: words behind "--" are words: none of them is missing', () => {
  assert.equal(run('add', '--', 'production', '-').words, ['production', '-']);
  assert.equal(run('add', '--', '-').words, ['-']);
  assert.equal(run('add', 'production', '--', '--odd.tar').words, ['production', '--odd.tar']);
  assert.equal(run('direct', '--', 'app.service', '/srv/b', '9000').words, ['app.service', '/srv/b', '9000']);
  const missing = refusal('direct', 'app.service', '--', '/srv/b');
  assert.equal([missing.exitCode, missing.message], [64, 'cutover direct lacks <port>']);
  assert.is(refusal('add', '--').message, 'cutover add lacks <archive>');
});

test('S2: every command explains itself, with its options and examples', () => {
  for (const { name, does, options, examples } of commands) {
    for (const argv of [
      [name, '--help'],
      [name, '-h'],
    ]) {
      const text = textOf(...argv);
      assert.match(text, `Usage: cutover ${name}`);
      for (const part of [
        does,
        '--json',
        '--config <file>',
        '-h, --help',
        'Examples:',
        ...examples,
        ...options.map(([flags]) => shownFlags(flags)),
      ])
        assert.ok(text.includes(part), `${name}: ${part}`);
    }
    assert.ok(examples.length > 0, name);
    for (const line of textOf(name, '--help').split('\n')) assert.ok(line.length <= 120, line);
  }
});

test('S2: the examples of every command are command lines that are taken', () => {
  for (const { name, examples } of shown) {
    for (const example of examples) {
      const [tool, ...argv] = example
        .replace(/^sudo /, '')
        .replace(/ [|>].*$/, '')
        .split(' ');
      assert.is(tool, 'cutover', example);
      assert.is(run(...argv).name, name, example);
    }
  }
});

test('S2: without a command the commands are listed, the hidden ones are not', () => {
  const text = textOf();
  for (const argv of [['--help'], ['-h'], ['help']]) assert.is(textOf(...argv), text);
  assert.is(textOf('help', 'deploy'), textOf('deploy', '--help'));
  assert.match(refusal('help', 'deplyo').message, 'did you mean deploy?');
  for (const { name, does } of shown) assert.ok(text.includes(`  ${name}`) && text.includes(inShort(does)), name);
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
  for (const { name } of commands.filter(({ isHidden }) => isHidden))
    assert.not.match(text, new RegExp(`^ {2}${name} `, 'm'));
});

test('S2: the version is asked for with or without a command', () => {
  for (const argv of [['--version'], ['-v'], ['deploy', '--version'], ['deploy', '-v']])
    assert.is(textOf(...argv), `cutover ${version}`, argv.join(' '));
});

test('S2: a configuration is named with its path, whatever it looks like', () => {
  assert.is(run('check', '--config', '/etc/a.toml').options.config, '/etc/a.toml');
  assert.is(run('check', '--config=./a b.toml').options.config, './a b.toml');
});
