import type { HookName } from '../model.ts';
import { hook } from '../values/hook.ts';
import { oneOrMany } from '../values/list.ts';
import type { Table } from './table.ts';

const stages: Record<HookName, [sentence: string, example: unknown]> = {
  fetch: [
    'Brings the source up to date, after a git push only where test or build has a dir of its own; failure ends the deploy.',
    'git -C /srv/app/repo fetch --quiet origin main',
  ],
  test: [
    'Tests the source; failure ends the deploy.',
    { run: ['npm', 'test'], dir: '/srv/app/repo', timeout: '10min' },
  ],
  build: [
    'Leaves a new build in the builds directory, or prints the path of an archive that its user may read as its last line.',
    { run: './build.sh', dir: '/srv/app/repo', timeout: '20min' },
  ],
  migrate: [
    'Changes the database before the candidate starts.',
    { run: 'npm run migrate', fallback: 'npm run migrate:baseline' },
  ],
  smoke: [
    'Tests the candidate after the gate; failure rolls back.',
    ['./smoke.sh', 'curl -fsS http://127.0.0.1:9000/'],
  ],
  repair: [
    'Mends the place before a start of cutover recover or a restart by the monitor, as by installing what is missing; failure is told and the start is tried all the same.',
    { run: ['npm', 'ci', '--omit=dev'], timeout: '5min' },
  ],
  deployed: ['Runs after a deploy or a rollback by hand that succeeded; never changes the outcome.', './announce.sh'],
  rolled_back: ['Runs after the previous build came back; never changes the outcome.', './announce.sh'],
  failed: ['Runs when a person is needed; never changes the outcome.', './page.sh'],
};

export const hooksTable: Table = {
  sentence: 'Your own commands at named stages: a command, a table, or a list of either.',
  rows: Object.entries(stages).map(([key, [sentence, example]]) => ({
    key,
    field: key,
    type: oneOrMany(hook),
    defaultText: 'none',
    sentence,
    example,
  })),
};
