// needs: sandbox
import { suite } from '../suite.ts';
import type { Change } from './example.ts';
import { requireDebian } from '../debian.ts';
import { comesBack, deploysUnnoticed } from './rehearse.ts';

const test = suite('examples/nginx-static');
// nginx 1.22 closes idle connections at once, some with a request on its way: draining.md.
const example = { name: 'nginx-static', files: ['nginx.conf', 'site'], marked: 'site/index.html', retries: true };
const packages = { nginx: '/usr/sbin/nginx' };
const faults: Record<string, Change> = {
  'has a broken configuration': { file: 'nginx.conf', replace: 'events {', by: 'event {' },
  'is not healthy': { file: 'site/health.txt', replace: 'well', by: 'unwell' },
};

test('a good build: no request fails', (t) => {
  requireDebian(packages);
  return deploysUnnoticed(t, example, { keepsAlive: true });
});

for (const [what, fault] of Object.entries(faults)) {
  test(`S4: a build that ${what}: the old one is back, and no request fails`, (t) => {
    requireDebian(packages);
    return comesBack(t, example, fault);
  });
}
