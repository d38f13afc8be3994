import * as assert from 'uvu/assert';
import { html } from '../../../lib/report/page/html.ts';
import type { PageModel, ShownTarget } from '../../../lib/report/page/model.ts';
import { bodyOf, titleOf, verdictOf } from '../../../lib/report/page/sections.ts';
import { suite } from '../../suite.ts';
import { changingTarget, downTarget, modelWith, runOf, targetWith } from '../../triggers/page/samples.ts';

const test = suite('markup');

const hostile = `</time><script>alert(1)</script>"'&<img src=x onerror=alert(2)>`;

test('R6: a text is escaped, in an element and in an attribute, and markup is not escaped again', () => {
  const inner = html`<b title="${hostile}">${hostile}</b>`;
  const { text } = html`<p>${inner}${[inner]}${null}${false}${0}</p>`;
  assert.not.match(text, /<script|<img/);
  assert.match(text, /^<p><b title="&lt;\/time&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&amp;/);
  assert.ok(text.endsWith('</b>0</p>'));
});

test('R6: what would turn a line around, or cannot be seen, is seen', () => {
  assert.is(html`${'a\u202Eb\u0000c\u2066d\u001B[31m'}`.text, 'a\uFFFDb\uFFFDc\uFFFDd\uFFFD[31m');
});

test('R6: no name, revision, branch, message or path of a state gets out of its place', () => {
  const { text } = bodyOf(modelOf(hostile));
  const escaped = html`${hostile}`.text;
  assert.ok(text.split(escaped).length > 60);
  // Every one of them stands where a harmless word would stand, and changes nothing around it.
  assert.is(text.replaceAll(escaped, 'word'), bodyOf(modelOf('word')).text);
});

function words(...targets: ShownTarget[]): string {
  return verdictOf(modelWith(targets)).words;
}

/** A state in which every text from outside is that word. */
function modelOf(word: string): PageModel {
  const failure = { step: word, reason: 'health', message: word, evidence: word } as const;
  const names = { run: word, from: word, to: word, revision: word, branch: word, failure };
  const run = { ...runOf(1_000, { outcome: 'failed' }), ...names, sentence: word, active: word };
  const { running } = changingTarget();
  const down = downTarget();
  const target: ShownTarget = {
    ...down,
    target: word,
    unit: word,
    findings: [word],
    next: [word],
    recent_errors: [word],
    runs: [{ ...run, steps: [{ name: word, status: 'done', duration_ms: 1 }] }],
    build: { current: word, serving: word, revision: word, branch: word, since: word, previous: word },
    running: running && { ...running, ...names },
    holder: { doing: word, pid: 1, user: word, since: word },
    requests: [{ id: word, state: 'running', branch: word, revision: word, queued_at: word, stage: word }],
    health: { ...down.health, answers: [{ url: word, status: null, problem: word, response_ms: 1 }] },
  };
  const model = modelWith([target, target]);
  return { ...model, app: word, version: word, at: word };
}

test('R6: the verdict names what is worst first', () => {
  assert.is(words(targetWith()), 'production is up');
  assert.is(words(targetWith(), targetWith({ target: 'canary' })), 'all 2 are up');
  assert.is(words(targetWith(), changingTarget(), downTarget()), 'production is down');
  assert.is(words(targetWith(), changingTarget()), 'staging is changing');
  assert.is(words(targetWith({ standing: 'unknown' })), 'production is not known');
  assert.is(titleOf(modelWith([downTarget()])), 'production is down \u2013 shop');
});

test('R6: what serves is what the process runs from, and not what current names', () => {
  const { build } = targetWith();
  const rowsWith = (serving: string | null): string[] =>
    [
      ...bodyOf(modelWith([targetWith({ build: { ...build, serving } })])).text.matchAll(
        /<dt>(Serves|Current)<.*?"id">([^<]*)/g,
      ),
    ].map(([, name, id]) => `${name} ${id}`);
  assert.equal(rowsWith(build.current), [`Serves ${build.current}`]);
  assert.equal(rowsWith(build.previous), [`Serves ${build.previous}`, `Current ${build.current}`]);
  assert.equal(rowsWith(null), ['Serves something else', `Current ${build.current}`]);
});

test("R6: every command on the page names a configuration that is not the machine's", () => {
  const named = commandsWith('/srv/c.toml');
  assert.ok(named.length > 80);
  assert.equal(
    named.filter((command) => !/^cutover \w+ --config \/srv\/c\.toml production( |$)/.test(command)),
    [],
  );
  assert.equal(
    commandsWith('/etc/cutover/cutover.toml').filter((command) => command.includes('--config')),
    [],
  );
});

test('R6: each outcome and state is told in a word, and not by its colour alone', () => {
  const { text } = bodyOf(modelWith([downTarget(), changingTarget()]));
  const unmarked = text.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');
  for (const word of [
    'deployed',
    'rolled back',
    'refused',
    'recovered',
    'failed',
    'production down',
    'staging changing',
  ])
    assert.match(unmarked, word);
  assert.match(text, /aria-label="deploy rolled back, [^"]* took 9.4 s, port closed 1.8 s"/);
});

/** What the page of a target with a past and of one without says to type. */
function commandsWith(config: string): string[] {
  const model = modelWith([targetWith({ config }), targetWith({ config, runs: [] })]);
  return [...bodyOf(model).text.matchAll(/"command">(cutover [^<]*)/g)].map(([, command = '']) => command);
}
