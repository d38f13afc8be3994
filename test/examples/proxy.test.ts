// needs: sandbox
import { suite } from '../suite.ts';
import type { Change } from './example.ts';
import { requireDebian } from '../debian.ts';
import { comesBack, deploysUnnoticed } from './rehearse.ts';

const test = suite('examples/behind-a-proxy');
const example = { name: 'behind-a-proxy', files: ['program.mjs', 'proxy.conf'] };
const packages = { nginx: '/usr/sbin/nginx' };
const faults: Record<string, Change> = {
  'crashes at its start': { file: 'program.mjs', replace: '\ncreateServer', by: '\nprocess.exit(1);\ncreateServer' },
  'is not healthy': { file: 'program.mjs', replace: "status: 'healthy'", by: "status: 'unwell'" },
};

test('a good build of a program that cannot drain: no request fails', (t) => {
  requireDebian(packages);
  return deploysUnnoticed(t, example, { keepsAlive: false });
});

for (const [what, fault] of Object.entries(faults)) {
  test(`S4: a build that ${what}: the old one is back, and no request fails`, (t) => {
    requireDebian(packages);
    return comesBack(t, example, fault);
  });
}
