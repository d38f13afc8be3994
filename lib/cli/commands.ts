import { type CommandRow, waitOption as wait } from './command.ts';
import { completionCommands } from './completion-commands.ts';
import { databaseCommands } from './database-commands.ts';
import { initCommands } from './init-commands.ts';
import { monitorCommands } from './monitor-commands.ts';
import { recoverCommands } from './recover-commands.ts';
import { triggerCommands } from './serve-commands.ts';

/** Every command: what its help says and where its work is. */
export const commands: CommandRow[] = [
  ...initCommands,
  {
    name: 'check',
    words: '[target]',
    does: 'Ask everything that must hold before a deploy; exit 0 safe, 1 issues',
    options: [],
    examples: ['cutover check production', 'cutover check production --json'],
    load: () => import('./check.ts'),
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
    load: () => import('./deploy.ts'),
  },
  {
    name: 'rollback',
    words: '[target] [build]',
    does: 'Go back to the previous build, or to a named one; asks nothing',
    options: [wait],
    examples: ['cutover rollback production', 'cutover rollback production dist.20260203-123600'],
    load: () => import('./rollback.ts'),
  },
  {
    name: 'settle',
    words: '[target]',
    does: 'End a run, or a change of the unit, that was cut off; does nothing when there is none',
    options: [
      ['--state-directory <path>', 'the state of the target; needs no configuration then'],
      ['--boot', 'as units/cutover-settle@.service: put current back before the unit starts, then end the run'],
      wait,
    ],
    examples: ['cutover settle production'],
    load: () => import('./settle.ts'),
  },
  ...recoverCommands,
  ...monitorCommands,
  ...triggerCommands,
  {
    name: 'status',
    words: '[target]',
    does: 'Unit, health, port, builds, last run and recent errors at a glance',
    options: [
      ['--watch', 'look again every two seconds'],
      ['--metrics', 'the metrics of Prometheus instead'],
    ],
    examples: ['cutover status', 'cutover status production --json'],
    load: () => import('./status.ts'),
  },
  {
    name: 'builds',
    words: '[target]',
    does: 'List the builds: state, revision, age, size',
    options: [],
    examples: ['cutover builds production'],
    load: () => import('./builds.ts'),
  },
  {
    name: 'add',
    words: '[target] <archive>',
    does: 'Take in a build from a .tar, .tar.gz or .tar.zst, or from standard input (-); nothing in it is trusted',
    options: [
      ['--sha256 <hex>', 'the checksum that the archive must have'],
      ['--revision <text>', 'what the build was made from'],
      ['--branch <name>', 'where that revision is from'],
    ],
    examples: [
      'cutover add production app.tar.gz --revision 4f2a9c1 --branch main',
      'cutover add production - --sha256 CHECKSUM',
    ],
    load: () => import('./add.ts'),
  },
  {
    name: 'verify',
    words: '[target] [build]',
    does: 'Compare a build with what was taken in; the one in service when none is named; exit 0 same, 1 differs',
    options: [],
    examples: ['cutover verify production', 'cutover verify production 20260203-151116 --json'],
    load: () => import('./verify.ts'),
  },
  ...databaseCommands,
  {
    name: 'prune',
    words: '[target]',
    does: 'Remove old builds, evidence, ledgers, logs and backups that nobody needs any more',
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
    load: () => import('./history.ts'),
  },
  {
    name: 'report',
    words: '[target] [run]',
    does: 'Tell one run in full; the last one when none is named',
    options: [
      ['--slo', 'the figures over all runs: recovery, availability, time between failures'],
      ['--since <time>', 'with --slo: of the last so long, such as 30d'],
    ],
    examples: [
      'cutover report production',
      'cutover report production 20260203-151120-4f2a --json',
      'cutover report production --slo --since=30d',
    ],
    load: () => import('./report.ts'),
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
  ...completionCommands,
  {
    name: 'demo',
    words: '',
    does: 'Deploy good and bad builds of a small service on a throw-away systemd; show what happened',
    options: [],
    examples: ['cutover demo', 'sudo cutover demo'],
    load: () => import('./demo.ts'),
  },
  {
    name: 'direct',
    words: '<unit> <build-directory> <port>',
    does: 'Deploy without a configuration file',
    options: [['--user', "the unit belongs to the user's own manager"], wait],
    examples: ['deploy-with-zero-downtime app.service /srv/app/builds/dist.20260203-151116 9000'],
    load: () => import('./direct.ts'),
    isHidden: true,
  },
];
