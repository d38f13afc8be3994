import { type CommandRow, waitOption as wait } from './command.ts';

/** The commands that are about what an application stores. */
export const databaseCommands: CommandRow[] = [
  {
    name: 'backup',
    words: '[target]',
    does: 'Back the database up while the application goes on, and remove old backups',
    options: [wait],
    examples: ['cutover backup production', 'cutover backup production --json'],
    load: () => import('./backup.ts'),
  },
  {
    name: 'restore',
    words: '[target] <file>',
    does: 'Put a backup in the place of the database; asks first, and keeps what was there',
    options: [['--yes', 'do not ask'], wait],
    examples: [
      'cutover restore production shop@production-20260203-151120-4f2a.sqlite.gz',
      'cutover restore production /var/backups/cutover/shop@production-20260203-151120-4f2a.dump --yes',
    ],
    load: () => import('./restore.ts'),
  },
];
