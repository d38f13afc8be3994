import type { LoadFacts } from './model.ts';

/** What the service and the load are like; the page tells them. */
export const facts: LoadFacts = {
  rate: 500,
  keptConnections: 32,
  slowShare: 0.05,
  slowMs: 100,
  readyMs: 300,
  diesAfterMs: 150,
};
