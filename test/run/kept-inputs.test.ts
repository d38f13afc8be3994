import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { redactorOf } from '../../lib/base/redactor.ts';
import { secretsOf } from '../../lib/config/known-secrets.ts';
import { loadConfig } from '../../lib/config/load.ts';
import { withoutSecrets, withSecrets } from '../../lib/run/kept-inputs.ts';
import type { RunInputs } from '../../lib/run/inputs.ts';
import { openLedger, readLedger } from '../../lib/run/ledger.ts';
import { suite, type TestContext } from '../suite.ts';
import { inputsOf, makeState } from './samples.ts';

const test = suite('run/kept inputs');

const secrets = ['sentinel-header', 'sentinel-password', 'sentinel-variable', 'sentinel-query'];
const text = `app = "shop"
[targets.production]
unit = "shop.service"
builds = "/srv/shop"
environment = { API_TOKEN = "sentinel-variable", NODE_ENV = "production" }
[targets.production.health]
url = ["http://127.0.0.1:9000/health?token=sentinel-query", "http://127.0.0.1:9000/"]
headers = { authorization = "Bearer sentinel-header", accept = "text/plain" }
[targets.production.database]
kind = "postgres"
url = "postgres://shop:sentinel-password@127.0.0.1/shop"
`;

async function configured(t: TestContext, content = text): Promise<{ inputs: RunInputs; configFile: string }> {
  const paths = await makeState(t);
  const configFile = join(paths.directory, 'cutover.toml');
  await mkdir(paths.directory, { recursive: true });
  await writeFile(configFile, content, { mode: 0o600 });
  const { targets } = await loadConfig(configFile);
  return { inputs: inputsOf('20260203-151120-4f2a', { target: targets.production, configFile }), configFile };
}

test('W4: a ledger keeps no secret, and the run is planned with all of them', async (t) => {
  const { inputs } = await configured(t);
  const paths = await makeState(t);
  const ledger = await openLedger(paths, inputs.run);
  await ledger.write({ type: 'begin', inputs });
  await ledger.close();
  const [line] = (await readLedger(ledger.path)) ?? [];
  for (const secret of secrets) {
    assert.ok(JSON.stringify(inputs).includes(secret), `${secret} is in the configuration`);
    assert.not.ok(JSON.stringify(line).includes(secret), `${secret} is in the ledger`);
  }
  assert.ok(line?.type === 'begin');
  assert.equal(await withSecrets(line.inputs), { inputs, missing: [] });
});

test('W4: a command that repeats a secret is kept without it, and is carried out with it', async (t) => {
  const repeating = text.replace(
    '[targets.production.health]',
    `[targets.production.hooks]
fetch = "curl -H 'x-key: sentinel-variable' http://example.org/ | tee sentinel-variable"
smoke = { run = ["probe", "sentinel-variable", "production"], fallback = "echo sentinel-header" }
[targets.production.health]`,
  );
  const { inputs } = await configured(t, repeating);
  const paths = await makeState(t);
  const hide = redactorOf([...(await secretsOf(inputs.target)), 'production', 'postgres']);
  const ledger = await openLedger(paths, inputs.run, hide);
  await ledger.write({ type: 'begin', inputs });
  await ledger.close();
  const [line] = (await readLedger(ledger.path)) ?? [];
  assert.not.match(JSON.stringify(line), 'sentinel');
  assert.ok(line?.type === 'begin');
  assert.is(line.inputs.target.name, 'production');
  assert.is(line.inputs.target.database?.kind, 'postgres');
  assert.equal(await withSecrets(line.inputs), { inputs, missing: [] });
});

test('W4: what the file says now is taken for the secret of the same place, and nothing else of it', async (t) => {
  const { inputs, configFile } = await configured(t);
  const kept = withoutSecrets(inputs);
  const changed = text.replace('sentinel-variable', 'sentinel-renewed').replace('shop.service', 'other.service');
  await writeFile(configFile, changed.replace('shop:', 'other:'), { mode: 0o600 });
  const { inputs: filled, missing } = await withSecrets(kept);
  assert.is(filled.target.unit, 'shop.service');
  assert.is(filled.target.environment.API_TOKEN, 'sentinel-renewed');
  assert.equal(missing, ['database.url']);
});

test('W4: without the file the secrets are named that are missing', async (t) => {
  const { inputs } = await configured(t);
  const kept = { ...withoutSecrets(inputs), configFile: '/nowhere/cutover.toml' };
  const places = ['environment.API_TOKEN', 'health.urls.0', 'health.headers.authorization', 'database.url'];
  assert.equal((await withSecrets(kept)).missing.toSorted(), places.toSorted());
  const plain = await configured(t, text.split('\n').slice(0, 4).join('\n'));
  assert.equal(await withSecrets(withoutSecrets(plain.inputs)), { inputs: plain.inputs, missing: [] });
});
