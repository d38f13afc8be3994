import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { isCutoverError } from '../../../lib/base/errors.ts';
import type { Config } from '../../../lib/config/model.ts';
import { parseConfig } from '../../../lib/config/parse.ts';
import type { Attempt } from '../../../lib/deployer/recover/attempt.ts';
import type { Look } from '../../../lib/deployer/recover/look.ts';
import { phasesOf, recover, type RecoveryHands, usualRecovery } from '../../../lib/deployer/recover/recover.ts';
import { recoverText } from '../../../lib/report/recover-text.ts';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import { plainColours } from '../../../lib/report/plain.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/recover/rounds');

function configOf(names: readonly string[], recovery = ''): Config {
  const targets = names.map((name) => `[targets.${name}]\nunit = "${name}.service"\nbuilds = "/srv/${name}"\n`);
  return parseConfig(parse(`app = "shop"\n${targets.join('')}${recovery}`), null, { env: {} });
}

/** Services that come back at the attempt of that number; 0: healthy from the start, 9: never. */
function handsFor(comesBackAt: Record<string, number>, { hopeless = [] as string[] } = {}) {
  const said: string[] = [];
  const tried: Record<string, number> = {};
  const isWell = (name: string): boolean => (tried[name] ?? 0) >= (comesBackAt[name] ?? 0);
  const glance = (name: string) => ({
    healthy: isWell(name),
    state: isWell(name) ? 'active' : 'failed',
    sub_state: '',
  });
  const look = (name: string): Look => ({
    glance: glance(name),
    findings: isWell(name) ? [] : [`${name} is down`],
    current: 'dist.20260203-151120',
    isBuildBad: false,
    next: null,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rounds do not read it
    facts: {} as Look['facts'],
  });
  const hands: RecoveryHands = {
    look: ({ name }) => Promise.resolve(look(name)),
    onPause: (left, delayMs) => void said.push(`pause ${left.join(',')} ${delayMs}`),
    async attempt({ name, unit }, { isLast }): Promise<Attempt> {
      const before = glance(name);
      said.push(`begin ${name}${isLast ? ' last' : ''}`);
      await sleep(10);
      tried[name] = (tried[name] ?? 0) + 1;
      said.push(`end ${name}`);
      const what = {
        findings: [`${name} is down`],
        actions: [`started ${unit}`],
        next: null,
        run: `run${tried[name]}`,
      };
      const isHopeless = hopeless.includes(name);
      return { target: name, unit, before, after: glance(name), ...what, duration_ms: 5, document: null, isHopeless };
    },
  };
  return { hands, said };
}

function recovering(
  config: Config,
  hands: RecoveryHands,
  { signal = new AbortController().signal, isLookOnly = false, names = [] as string[] } = {},
): Promise<RecoveryReport> {
  const recovery = { ...(config.recovery ?? usualRecovery), delayMs: 1 };
  return recover({ phases: phasesOf(config, names), recovery, isLookOnly, signal }, hands);
}

const three = ['backend', 'frontend', 'mcp'];

test('R2: without a table [recovery] holds what an empty one says', () => {
  assert.equal(configOf(three, '[recovery]\n').recovery, usualRecovery);
});

test('R1: those of one phase at once, one phase after the other; who is in none comes last', async () => {
  const config = configOf([...three, 'extra'], '[recovery]\nphases = [["mcp"], ["backend", "frontend"]]\n');
  const { hands, said } = handsFor({ backend: 1, frontend: 1, mcp: 1, extra: 1 });
  assert.ok((await recovering(config, hands)).recovered);
  assert.equal(said, [
    'begin mcp',
    'end mcp',
    'begin backend',
    'begin frontend',
    'end backend',
    'end frontend',
    'begin extra',
    'end extra',
  ]);
});

test('R1, R3: named ones keep to their phases, and a name that is none is refused', () => {
  const config = configOf(three, '[recovery]\nphases = [["mcp"], ["backend"]]\n');
  const names = (asked: string[]) => phasesOf(config, asked).map((phase) => phase.map(({ name }) => name));
  assert.equal(names(['backend', 'mcp', 'mcp']), [['mcp'], ['backend']]);
  assert.equal(names(['frontend']), [['frontend']]);
  assert.throws(
    () => names(['nobody']),
    (error: unknown) => isCutoverError(error, 'usage'),
  );
});

test('R2: who does not come back is tried again, the others are not; the last attempt knows that it is', async () => {
  const { hands, said } = handsFor({ backend: 0, frontend: 2, mcp: 9 });
  const report = await recovering(configOf(three), hands);
  assert.equal(
    said.filter((text) => !text.startsWith('end')),
    [
      'begin frontend',
      'begin mcp',
      'pause frontend,mcp 1',
      'begin frontend',
      'begin mcp',
      'pause mcp 1',
      'begin mcp last',
    ],
  );
  const { attempts, healthy, total, recovered, exit_code } = report;
  assert.equal([attempts, healthy, total, recovered, exit_code], [3, 2, 3, true, 0]);
  const [backend, frontend, mcp] = report.targets;
  assert.equal([backend?.findings, backend?.actions, backend?.next], [[], [], null]);
  assert.equal(frontend?.actions, ['attempt 1: started frontend.service', 'attempt 2: started frontend.service']);
  assert.equal([mcp?.findings, mcp?.next, mcp?.run], [['mcp is down'], 'cutover logs mcp --unit', 'run3']);
});

for (const [quorum, isEnough] of [
  [0.66, true],
  [0.67, false],
  [1, false],
  [0, true],
] as const) {
  test(`R2: two of three are ${isEnough ? 'enough' : 'too few'} for ${quorum}`, async () => {
    const { hands } = handsFor({ mcp: 9 });
    const report = await recovering(configOf(three, `[recovery]\nquorum = ${quorum}\nattempts = 1\n`), hands);
    assert.equal([report.recovered, report.exit_code], [isEnough, isEnough ? 0 : 3]);
  });
}

test('R2: what no attempt can help is not tried again, and nobody waits for it', async () => {
  const { hands, said } = handsFor({ mcp: 9 }, { hopeless: ['mcp'] });
  assert.is((await recovering(configOf(three), hands)).attempts, 1);
  assert.equal(said, ['begin mcp', 'end mcp']);
});

test('R2: --status-only tries nothing, and what it finds names the command', async () => {
  const { hands, said } = handsFor({ mcp: 1, backend: 1 });
  const report = await recovering(configOf(three), hands, { isLookOnly: true });
  assert.equal([report.attempts, report.healthy, report.exit_code, said], [0, 1, 3, []]);
  assert.is(report.targets[0]?.next, 'cutover recover backend');
});

test('R1: an interruption ends it after the attempts under way; before any of them it is one', async () => {
  const controller = new AbortController();
  const { hands, said } = handsFor({ backend: 9, frontend: 9 });
  const config = configOf(three, '[recovery]\nphases = [["backend"], ["frontend"]]\n');
  const going = recovering(config, { ...hands, onPause: () => controller.abort() }, { signal: controller.signal });
  assert.is((await going).attempts, 1);
  assert.equal(said, ['begin backend', 'end backend', 'begin frontend', 'end frontend']);
  await recovering(config, hands, { signal: controller.signal }).then(
    () => assert.unreachable('nothing was tried'),
    (error: unknown) => assert.ok(isCutoverError(error, 'interrupted')),
  );
});

test('R3: the text tells of each target what was found and done, and what is to be typed', async () => {
  const { hands } = handsFor({ frontend: 1, mcp: 9 });
  const report = await recovering(configOf(three, '[recovery]\nattempts = 1\nquorum = 1\n'), hands);
  assert.is(
    recoverText({ ...report, duration_ms: 61_000 }, plainColours),
    [
      '✓ backend   backend.service: healthy',
      '✓ frontend  frontend.service: failed -> healthy, run run1',
      '    found  frontend is down',
      '    did    started frontend.service',
      '✗ mcp       mcp.service: failed, run run1',
      '    found  mcp is down',
      '    did    started mcp.service',
      '    next   cutover logs mcp --unit',
      'NOT RECOVERED: 2 of 3 healthy, 100 % are wanted (1 attempt, 1 min 1 s)',
    ].join('\n'),
  );
});
