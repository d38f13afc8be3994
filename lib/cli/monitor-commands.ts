import type { CommandRow } from './command.ts';

/** The command of the timer. */
export const monitorCommands: CommandRow[] = [
  {
    name: 'monitor',
    words: '[target]',
    does: 'Look at a target once, tell of what is wrong, and do what [monitor] says; exit 0 healthy, 3 not.\nPasses by hand between those of the timer count as one. To work on a service yourself, stop its timer:\nsystemctl stop cutover-monitor@shop-production.timer',
    options: [['--due', 'only when the last pass is as long ago as `every` says, as units/cutover-monitor@.timer']],
    examples: ['cutover monitor production', 'cutover monitor shop/production --json'],
    load: () => import('./monitor.ts'),
  },
];
