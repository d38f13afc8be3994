/** A name and what it is for. */
export type Entry = readonly [term: string, does: string];

/** Where the configuration is looked up, in this order. */
export const lookup: readonly string[] = [
  '--config',
  '$CUTOVER_CONFIG',
  './cutover.toml',
  '$XDG_CONFIG_HOME/cutover/cutover.toml',
  '/etc/cutover/cutover.toml',
];

/** What stands before the list of files. */
export const filesText =
  'BUILDS, STATE and LOGS are the directories that the configuration names: `builds`, `state` (/var/lib/cutover) and `logs` (/var/log/cutover).';

/** The files that a person may meet; BUILDS, STATE and LOGS are those of the configuration. */
export const files: readonly Entry[] = [
  ['/etc/cutover/cutover.toml', 'The configuration, see `cutover.toml(5)`.'],
  ['BUILDS/dist.YYYYMMDD-HHMMSS/', 'A build, named after the moment it was made, in UTC.'],
  ['BUILDS/current', 'The link to the build in service. It is replaced in one act, and never missing.'],
  ['BUILDS/dist.YYYYMMDD-HHMMSS/.cutover.json', 'What a build was made from, where `cutover add` took it in.'],
  ['STATE/APP/TARGET/runs/RUN.jsonl', 'The ledger of a run: its inputs, each step, the outcome.'],
  ['STATE/APP/TARGET/evidence/RUN/', 'What was seen of a build that failed, before it was taken back.'],
  ['STATE/APP/TARGET/quarantine.json', 'The builds that failed, which are not picked again by themselves.'],
  ['STATE/APP/TARGET/in-flight', 'There while a run may have changed something: `cutover settle` ends it.'],
  ['STATE/APP/TARGET/lock', 'Locked by flock(2) while a run goes on; its text says by whom. Never to be removed.'],
  ['LOGS/deployment-UNIT-YYYYMMDD-HHMMSS.log', 'Everything that a run did and what its hooks printed.'],
];

/** The variables that the command line itself reads. */
export const environment: readonly Entry[] = [
  ['CUTOVER_CONFIG', 'The configuration file, where `--config` names none.'],
  ['XDG_CONFIG_HOME', 'Where the configuration of a user is looked up; ~/.config when it is not set.'],
  ['XDG_STATE_HOME', 'With `manager = "user"`: where state is kept; ~/.local/state when it is not set.'],
  ['XDG_CACHE_HOME', 'Where the single file keeps its compiled code; ~/.cache when it is not set.'],
  [
    'XDG_DATA_HOME',
    'Where `init --install` puts completion and manual pages of a user; ~/.local/share when it is not set.',
  ],
  ['HOME', 'The home of these, and of hooks.'],
  ['PATH', 'Where hooks and the programs of checks and databases are found.'],
  ['USER', 'What the lock says of who holds it.'],
  ['NO_COLOR', 'Not empty: no colours. Neither are there any where TERM is dumb.'],
  ['TERM', 'See NO_COLOR.'],
  ['CREDENTIALS_DIRECTORY', 'Where systemd keeps the credentials of a unit, for `token_credential` and the like.'],
  ['STATE_DIRECTORY', 'Where systemd keeps what a unit wants to keep: the receiver keeps its requests there.'],
  ['JOURNAL_STREAM', 'Set by systemd: what the receiver prints goes to the journal, with priorities.'],
  ['XDG_RUNTIME_DIR', "Where the bus of the user's own manager is."],
  ['DBUS_SYSTEM_BUS_ADDRESS', 'Another address of the system bus.'],
  ['DBUS_SESSION_BUS_ADDRESS', "Another address of the user's bus."],
  ['GIT_DIR', 'In a git hook: the repository that was pushed to.'],
];

/** What hooks and checks that run a command find in their environment. */
export const hookEnvironment: readonly Entry[] = [
  ['CUTOVER_APP', 'The name of the software.'],
  ['CUTOVER_TARGET', 'The name of the target.'],
  ['CUTOVER_UNIT', 'The systemd unit.'],
  ['CUTOVER_RUN', 'The id of the run; empty where there is none.'],
  ['CUTOVER_BUILD', 'The candidate; empty before there is one.'],
  ['CUTOVER_BUILD_DIR', 'Its directory.'],
  ['CUTOVER_CURRENT', 'The build that `current` names now.'],
  ['CUTOVER_PREVIOUS', 'The build that a failure goes back to.'],
  ['CUTOVER_PORT', 'The ports, with blanks between them.'],
  ['CUTOVER_REVISION', 'What the candidate was made from; before there is one, what was pushed.'],
  ['CUTOVER_BRANCH', 'Its branch.'],
  ['CUTOVER_OUTCOME', 'How the run ended; in `deployed`, `rolled_back` and `failed` only.'],
];
