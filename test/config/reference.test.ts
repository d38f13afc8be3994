import { parse } from 'smol-toml';
import * as assert from 'uvu/assert';
import { configDocs } from '../../lib/config/docs.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { effectiveConfig, effectiveJson } from '../../lib/config/print.ts';
import { listTables } from '../../lib/config/schema/listing.ts';
import { configJsonSchema } from '../../lib/config/schema-json.ts';
import { tomlValue } from '../../lib/config/toml.ts';
import { suite } from '../suite.ts';
import { exampleToml, leastToml } from './example.ts';
import { violations } from './json-schema.ts';

const test = suite('config/reference');

const rows = listTables().flatMap(({ path, rows }) => rows.map((row) => ({ path: `${path}.${row.key}`, row })));

test('every key has a type, one sentence, and an example that parses and is written back', () => {
  assert.ok(rows.length > 100);
  for (const { path, row } of rows) {
    assert.ok(row.type.name.length > 3, path);
    assert.match(row.sentence, /^[A-Z].*\.$/, path);
    const value = row.type.parse(row.example, path);
    assert.equal(row.type.parse(row.type.format(value), path), value, path);
    assert.equal(plain(parse(`x = ${tomlValue(row.example)}`).x), plain(row.example), path);
    assert.equal(violations(row.type.jsonSchema, row.example), [], path);
    if (row.default !== undefined && row.default !== null) row.type.parse(row.default, path);
  }
});

test('the manual mentions every key with its example', () => {
  const docs = configDocs();
  for (const { path, row } of rows) {
    assert.ok(docs.includes(`\`${row.key}\``), path);
    assert.ok(docs.includes(`${row.key} = ${tomlValue(row.example)}`), path);
  }
  for (const { heading } of listTables()) assert.ok(docs.includes(`## ${heading}\n`), heading);
});

test('the JSON Schema accepts what the reader accepts', () => {
  assert.equal(violations(configJsonSchema(), parse(exampleToml)), []);
  assert.equal(violations(configJsonSchema(), parse(leastToml)), []);
});

test('the JSON Schema refuses what the reader refuses', () => {
  const wrong = ['unti = "x"', 'keep = "5"', 'port = 70000', 'health.status = true', 'hooks.test = { rum = "x" }'];
  for (const line of wrong) {
    assert.ok(violations(configJsonSchema(), parse(`${leastToml}${line}`)).length > 0, line);
  }
  assert.ok(violations(configJsonSchema(), parse('[targets.a]')).length > 0);
  const check = '[[targets.main.checks]]\nname = "a"\nkind = "tcp"\n';
  assert.ok(violations(configJsonSchema(), parse(leastToml + check)).length > 0);
  assert.equal(violations(configJsonSchema(), parse(`${leastToml}${check}port = 1\nx-note = 1`)), []);
});

test('the effective configuration reads back as the same', () => {
  for (const toml of [exampleToml, leastToml]) {
    const config = parsed(toml);
    // Headers that might hold a secret are hidden, and those of the example are harmless.
    assert.equal(parsed(effectiveConfig(config)), config);
  }
});

test('the effective configuration as JSON has snake_case keys with units', () => {
  const json = JSON.parse(JSON.stringify(effectiveJson(parsed(exampleToml))));
  assert.is(json.targets.production.stop_timeout_ms, 45_000);
  assert.is(json.targets.production.limits.memory_bytes, 536_870_912);
  assert.is(json.targets.production.health.healthy_for_ms, 0);
  assert.equal(json.targets.production.environment, { NODE_ENV: 'production', LANG: 'C' });
  assert.is(json.targets.production.checks[1].options.timeout_ms, 5000);
  assert.is(json.targets.staging.monitor, null);
  const { test: tests, smoke, migrate } = json.targets.production.hooks;
  const rest = { timeout_ms: 600_000, dir: null, user: null, fallback: null };
  assert.equal(tests, [{ ...rest, run: { command: ['npm', 'test'] }, dir: '/srv/repo' }]);
  assert.equal(smoke, [
    { ...rest, run: { shell: './a' } },
    { ...rest, run: { shell: './b' } },
  ]);
  assert.equal(migrate, [{ ...rest, run: { shell: 'migrate' }, fallback: { shell: 'baseline' }, user: 'app' }]);
});

test('W4: no secret is ever printed', () => {
  const config = parsed(`${leastToml}
environment = { API_TOKEN = "hunter2", DATABASE_URL = "postgres://u:hunter2@h/d", PLAIN = "seen" }
health.url = "http://u:hunter2@127.0.0.1/?token=hunter2"
health.headers = { authorization = "Bearer hunter2", x-own = "hunter2", accept = "seen" }
hooks.fetch = "curl -H 'Authorization: Bearer hunter2' https://u:hunter2@h/"
hooks.test = { run = ["curl", "https://u:hunter2@h/"], dir = "/d" }
database = { kind = "postgres", url = "postgres://u:hunter2@h/d" }
[[targets.main.checks]]
name = "a"
kind = "http"
url = "http://127.0.0.1/"
headers = { cookie = "hunter2" }
[[notify]]
channel = "webhook"
url = "https://example.org/hunter2"
[[notify]]
channel = "telegram"
chat = "1"
token = "hunter2"
`);
  for (const text of [effectiveConfig(config), JSON.stringify(effectiveJson(config))]) {
    assert.not.match(text, 'hunter2');
    assert.match(text, '[redacted]');
    assert.match(text, 'seen');
  }
});

/** Without the null prototypes that the TOML parser gives. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function parsed(toml: string) {
  return parseConfig(parse(toml), 'f.toml', { env: {} });
}
