import type { CommandRow } from './command.ts';

/** The command that sets things up, and takes them back. */
export const initCommands: CommandRow[] = [
  {
    name: 'init',
    words: '[unit]',
    does: 'Write a commented cutover.toml for a unit that is there; put in place what works between deploys; change the strategy',
    options: [
      ['--target <name>', 'what this place is called (default production, or what the unit ends in)'],
      ['--app <name>', 'what the software is called'],
      ['--builds <dir>', 'the directory that holds the builds and the link current'],
      ['--port <n...>', 'the port the unit listens on; several: repeated, or 9000,9001; the word none: it has none'],
      ['--url <url>', 'the address that tells whether it is healthy; the word none: it has none'],
      ['--output <file>', 'where to write (default /etc/cutover/cutover.toml, or below ~/.config for a user)'],
      ['--user', "the unit belongs to the user's own manager"],
      ['--install', 'what works between deploys: units, timers, completion, manual; without a unit: all targets'],
      ['--deploy-user <name>', 'with --install: this user may deploy without being root'],
      ['--group <name>', 'with --install, in place of --deploy-user: the members of this group may'],
      ['--force', 'with --install: replace what was changed by hand, too, and put that aside'],
      ['--uninstall', 'take back what --install wrote; builds, state, logs and the configuration stay'],
      ['--adopt', 'the unit runs in a plain directory: a copy of it becomes the first build, with one restart'],
      [
        '--shared <path...>',
        'with --adopt: what the service writes, to stay where it is; several: repeated, or data,.env',
      ],
      ['--undo', 'with --adopt: run in the plain directory again'],
      ['--strategy <name>', 'let systemd hold the port (socket, overlap), or the unit open it itself again (restart)'],
      ['--git <dir>', 'make or take this repository; what is pushed is deployed; [unit] is a target'],
      ['--dry-run', 'print every file and command, and change nothing'],
    ],
    examples: [
      'cutover init shop.service',
      'cutover init shop-staging.service --port 9001 --dry-run',
      'cutover init --install',
      'cutover init --install --deploy-user deploy',
      'cutover init --uninstall --dry-run',
      'cutover init shop.service --adopt --shared data --dry-run',
      'cutover init shop.service --strategy socket',
      'cutover init --git /srv/git/shop.git',
    ],
    load: () => import('./init.ts'),
  },
];
