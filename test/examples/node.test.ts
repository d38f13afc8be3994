// needs: sandbox
import { suite } from '../suite.ts';
import type { Change } from './example.ts';
import { comesBack, deploysUnnoticed } from './rehearse.ts';

const test = suite('examples/node');
const files = ['server.mjs', 'drain.mjs'];
const faults: Record<string, Change> = {
  crashes: { file: 'server.mjs', replace: '\nserver.listen', by: '\nprocess.exit(1);\nserver.listen' },
  'is not healthy': { file: 'server.mjs', replace: "status: 'healthy'", by: "status: 'unwell'" },
};

for (const strategy of ['socket', 'overlap'] as const) {
  // Clients pause between two requests, and longer on a machine that does much else.
  const service = strategy === 'socket' ? ['Environment=DRAIN_PAUSE_MS=6000'] : [];
  const example = { name: `node-${strategy}`, program: 'node-socket', files, service };

  test(`a good build with ${strategy}: no client notices, those that keep their connection included`, (t) =>
    deploysUnnoticed(t, example, { strategy }));

  for (const [what, fault] of Object.entries(faults)) {
    test(`S4: a build that ${what} with ${strategy}: the old one is back, and no request fails`, (t) =>
      comesBack(t, example, fault));
  }
}
