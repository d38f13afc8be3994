import * as assert from 'uvu/assert';
import { commandEnvironment } from '../../lib/config/command-environment.ts';
import type { TargetConfig } from '../../lib/config/model.ts';
import { directConfig } from '../../lib/config/direct.ts';
import { suite } from '../suite.ts';

const test = suite('config/command-environment');

const [first] = Object.values(
  directConfig({ unit: 'shop.service', builds: '/srv/shop/builds', ports: [9000, 9001], manager: 'system' }).targets,
);
const target: TargetConfig = {
  ...(first as TargetConfig),
  name: 'production',
  environment: { NODE_ENV: 'production', LANG: 'C', CUTOVER_APP: 'mine' },
};

test('P1: has the names of the contract, with what there is not empty', () => {
  const env = commandEnvironment({
    app: 'shop',
    target,
    run: null,
    build: 'dist.20260203-151116',
    current: 'dist.1',
    previous: null,
    revision: 'abc',
  });
  assert.equal(env, {
    NODE_ENV: 'production',
    LANG: 'C',
    CUTOVER_APP: 'shop',
    CUTOVER_TARGET: 'production',
    CUTOVER_UNIT: 'shop.service',
    CUTOVER_RUN: '',
    CUTOVER_BUILD: 'dist.20260203-151116',
    CUTOVER_BUILD_DIR: '/srv/shop/builds/dist.20260203-151116',
    CUTOVER_CURRENT: 'dist.1',
    CUTOVER_PREVIOUS: '',
    CUTOVER_PORT: '9000 9001',
    CUTOVER_REVISION: 'abc',
    CUTOVER_BRANCH: '',
  });
});

test('P1: what runs after the outcome is told the outcome', () => {
  const about = { app: 'shop', target, run: 'r', build: null, current: null, previous: null, revision: null };
  const { CUTOVER_OUTCOME, CUTOVER_BUILD_DIR } = commandEnvironment({ ...about, outcome: 'failed' });
  assert.equal([CUTOVER_OUTCOME, CUTOVER_BUILD_DIR], ['failed', '']);
});
