import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import { suite } from '../suite.ts';

const test = suite('base/environment');
const timeoutMs = 20_000;
const base = fileURLToPath(new URL('../../lib/base', import.meta.url));

/** What a program that root has started sees of its variables, once root is somebody else. */
const script = `
import { becomeUser } from ${JSON.stringify(`${base}/former-root.ts`)};
import { exec } from ${JSON.stringify(`${base}/exec.ts`)};
becomeUser({ uid: 65534, gid: 65534, gids: [] }, []);
const { stdout } = await exec(['env'], { timeoutMs: ${timeoutMs}, env: { GIVEN: 'yes' } });
console.log(process.env.CANARY === 'sings' ? stdout : 'the process has lost it');`;

test('W4: what root has in its environment is not handed to programs of the user whom root has become', async () => {
  assert.is(process.getuid?.(), 0, 'it takes root to become another user');
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script] as const;
  const { stdout, stderr, code } = await exec(node, { timeoutMs, env: { CANARY: 'sings', HOME: '/home-of-it' } });
  assert.is(code, 0, stderr);
  for (const line of [/^GIVEN=yes$/m, /^PATH=/m, /^HOME=\/home-of-it$/m]) assert.match(stdout, line);
  assert.not.match(stdout, 'CANARY');
});
