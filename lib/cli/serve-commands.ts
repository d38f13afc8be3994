import type { CommandRow } from './command.ts';
import { hookCommands } from './hook-commands.ts';

/** What starts a run from outside: git, and the webhook receiver. */
export const triggerCommands: CommandRow[] = [
  ...hookCommands,
  {
    name: 'serve',
    words: '',
    does: 'Receive webhooks and deploy what they tell of, one run at a time; shows health, metrics, runs and a page',
    options: [],
    examples: ['cutover serve', 'cutover serve --config /etc/cutover/cutover.toml'],
    load: () => import('./serve.ts'),
  },
  {
    name: 'request',
    words: '<app/target/id>',
    does: 'Carry out one request that the receiver accepted, as units/cutover-request@.service',
    options: [],
    examples: ['cutover request shop/production/r00000001x4f2a9c1b'],
    load: () => import('./serve-request.ts'),
    isHidden: true,
  },
];
