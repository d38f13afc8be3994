// needs: sandbox
import { suite } from '../suite.ts';
import type { Change } from './example.ts';
import { requireDebian } from '../debian.ts';
import { comesBack, deploysUnnoticed } from './rehearse.ts';

const test = suite('examples/python-gunicorn');
const example = { name: 'python-gunicorn', files: ['shop.py'] };
const packages = {
  gunicorn: '/usr/bin/gunicorn',
  'python3-flask': '/usr/lib/python3/dist-packages/flask/__init__.py',
};
const faults: Record<string, Change> = {
  'does not load': { file: 'shop.py', replace: 'import os', by: 'import os, nothing_of_that_name' },
  'is not healthy': { file: 'shop.py', replace: 'status="healthy"', by: 'status="unwell"' },
};

test('a good build: no request fails', (t) => {
  requireDebian(packages);
  return deploysUnnoticed(t, example, { keepsAlive: false });
});

for (const [what, fault] of Object.entries(faults)) {
  test(`S4: a build that ${what}: the old one is back, and no request fails`, (t) => {
    requireDebian(packages);
    return comesBack(t, example, fault);
  });
}
