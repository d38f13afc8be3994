import type { CommandRow } from './command.ts';

const wait: [string, string] = ['--wait [time]', 'queue behind a run in progress, at most this long (default 5min)'];

/** Every command: what its help says and where its work is. */
export const commands: CommandRow[] = [
  {
    name: 'check',
    words: '[target]',
    does: 'Ask everything that must hold before a deploy; exit 0 safe, 1 issues',
    options: [],
    examples: ['cutover check production', 'cutover check production --json'],
    load: async () => ({ run: (await import('./everyday.ts')).check }),
  },
  {
    name: 'deploy',
    words: '[target] [build]',
    does: 'Deploy the newest build, or a named one, and go back by itself when it fails',
    options: [
      ['--force', 'go on although checks fail, and redeploy the deployed build (where the target allows it)'],
      ['--fix-forward', 'the service is down: repair it with this build'],
      ['--dry-run', 'print the plan and change nothing'],
      wait,
    ],
    examples: [
      'cutover deploy production',
      'cutover deploy production 20260203-151116',
      'cutover deploy staging --wait=10min',
    ],
    load: async () => ({ run: (await import('./everyday.ts')).deploy }),
  },
  {
    name: 'rollback',
    words: '[target] [build]',
    does: 'Go back to the previous build, or to a named one; asks nothing',
    options: [wait],
    examples: ['cutover rollback production', 'cutover rollback production dist.20260203-123600'],
    load: async () => ({ run: (await import('./everyday.ts')).rollback }),
  },
  {
    name: 'settle',
    words: '[target]',
    does: 'End a run that was cut off; does nothing when there is none',
    options: [
      ['--state-directory <path>', 'the state of the target; needs no configuration then'],
      ['--boot', 'as units/cutover-settle@.service: put current back before the unit starts, then end the run'],
      wait,
    ],
    examples: ['cutover settle production'],
    load: async () => ({ run: (await import('./everyday.ts')).settle }),
  },
  {
    name: 'status',
    words: '[target]',
    does: 'Unit, health, port, builds, last run and recent errors at a glance',
    options: [['--watch', 'look again every two seconds']],
    examples: ['cutover status', 'cutover status production --json'],
    load: async () => ({ run: (await import('./everyday.ts')).status }),
  },
  {
    name: 'builds',
    words: '[target]',
    does: 'List the builds: state, revision, age, size',
    options: [],
    examples: ['cutover builds production'],
    load: async () => ({ run: (await import('./everyday.ts')).builds }),
  },
  {
    name: 'prune',
    words: '[target]',
    does: 'Remove old builds, evidence, ledgers and logs that nobody needs any more',
    options: [['--dry-run', 'tell what would be removed and change nothing'], wait],
    examples: ['cutover prune production --dry-run', 'cutover prune production'],
    load: () => import('./prune.ts'),
  },
  {
    name: 'history',
    words: '[target]',
    does: 'List past runs',
    options: [['--limit <n>', 'so many at most (default 20)']],
    examples: ['cutover history production --limit 5'],
    load: async () => ({ run: (await import('./everyday.ts')).history }),
  },
  {
    name: 'report',
    words: '[target] [run]',
    does: 'Tell one run in full; the last one when none is named',
    options: [],
    examples: ['cutover report production', 'cutover report production 20260203-151120-4f2a --json'],
    load: async () => ({ run: (await import('./everyday.ts')).report }),
  },
  {
    name: 'logs',
    words: '[target] [run]',
    does: 'Print the log of a run; the last one when none is named',
    options: [
      ['--follow', 'go on as the log grows'],
      ['--unit', "the unit's journal instead"],
    ],
    examples: ['cutover logs production', 'cutover logs production --unit --follow'],
    load: () => import('./logs.ts'),
  },
  {
    name: 'config',
    words: '',
    does: 'Print the effective configuration',
    options: [
      ['--check', 'only say whether it is right'],
      ['--docs', 'describe every key'],
      ['--schema', 'print the JSON Schema'],
    ],
    examples: ['cutover config --check', 'cutover config --docs | less'],
    load: () => import('./config.ts'),
  },
  {
    name: 'demo',
    words: '',
    does: 'Deploy good and bad builds of a small service on a throw-away systemd, and show what happened',
    options: [],
    examples: ['sudo cutover demo'],
    load: () => import('./demo.ts'),
  },
  {
    name: 'direct',
    words: '<unit> <build-directory> <port>',
    does: 'Deploy without a configuration file',
    options: [['--user', "the unit belongs to the user's own manager"], wait],
    examples: ['deploy-with-zero-downtime app.service /srv/app/builds/dist.20260203-151116 9000'],
    load: async () => ({ run: (await import('./everyday.ts')).direct }),
    isHidden: true,
  },
];

/** Commands of the contract that this version does not have; asking for one says so. */
export const laterCommands = [
  'init',
  'recover',
  'add',
  'verify',
  'backup',
  'restore',
  'monitor',
  'serve',
  'hook',
  'completion',
];
