// needs: sandbox
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type DatabaseSite, makeDatabaseSite, migration } from '../deploy/database-site.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';
import { type Act, actsOf, type Note, saidIn } from './losses.ts';

const test = suite('disk/runs', { timeoutMs: 120_000 });

/**
 * What the ledger has of an act that is over, which is done again, but for what puts the database back; that an act which is known to
 * have begun is taken back; and what a folder of work held, which goes with it.
 */
const mayGo =
  /: step ([\w-]+ (done|failed|reverting)|(?!migrate )[\w-]+ (applied|reverted))$|@production\.(backup|restore)(\/|$)/;
/** What only looks, and what a boot ends by itself or has taken back unasked. */
const mayGoWith = { restart: /: step (free-port|swap|start) intended$/, socket: /: step restart intended$/ };
/** Why a run failed is written while the service is brought back, and is there when the run is over. */
const evidence = /\/evidence\//;

/** What a power cut would take just before an act, and must not. */
function missedIn({ what, lost, inside = [] }: Act, strategy: keyof typeof mayGoWith): string[] {
  const [isRename, isMark] = [what.startsWith('rename '), what.endsWith('/in-flight')];
  // A name may change again and again before all of it is on the disk: only what a file holds is there before its name.
  if (isRename && !isMark) return inside;
  const isOver = what === 'end' || (isMark && !isRename);
  const goes = (one: string): boolean => mayGo.test(one) || (!isOver && mayGoWith[strategy].test(one));
  const other = lost.filter((one) => !goes(one) && (isOver || !evidence.test(one)));
  return [...inside, ...other.filter((one) => !isRename || !one.includes('/.in-flight.'))];
}

interface Case {
  what: string;
  command: 'deploy' | 'rollback';
  code: number;
  isBad?: boolean;
  /** lines that must have been written, and have been on the disk before the next act */
  lines: string[];
}

const cases: Case[] = [
  {
    what: 'the deploy of a good build',
    command: 'deploy',
    code: 0,
    lines: ['begin', 'step swap intended', 'outcome'],
  },
  {
    what: 'the deploy of a bad build, and its way back',
    command: 'deploy',
    code: 4,
    isBad: true,
    lines: ['begin', 'step swap intended', 'failure', 'step swap reverting', 'outcome'],
  },
  { what: 'a rollback', command: 'rollback', code: 0, lines: ['begin', 'step swap intended', 'outcome'] },
];

for (const strategy of [undefined, 'socket'] as const) {
  for (const { what, command, code, isBad, lines } of cases) {
    test(`S6, S8: ${what}: what the way back needs is on the disk before each act (${strategy ?? 'restart'})`, async (t) => {
      const site = await makeDatabaseSite(t, {
        strategy,
        database: ['restore_on_rollback = true'],
        migrate: migration,
      });
      if (command === 'rollback') {
        await site.add();
        assert.is((await site.call('deploy')).code, 0);
      } else await site.add(isBad ? { mode: 'status' } : {});
      const { notes, acts } = await noted(site, command, code);
      const said = notes.flatMap(({ path, text = '' }) => (path.endsWith('.jsonl') ? saidIn(text) : []));
      for (const line of lines) assert.ok(said.includes(line), `${line} was not seen`);
      const bare = acts.flatMap((act) => missedIn(act, strategy ?? 'restart').map((one) => `${act.what}: ${one}`));
      assert.equal(bare, [], 'what a power cut would take just before an act');
      assert.equal(heldBack(notes, strategy ?? 'restart'), [], 'lines that were not on the disk before the next one');
      assertOrder(site, acts, { command, isBad, strategy });
    });
  }
}

test('P3, S8: a restore: that the data was put is on the disk before the service starts', async (t) => {
  const site = await makeDatabaseSite(t);
  const { document } = await site.call<{ file: string }>('backup');
  const { acts } = await noted(site, 'restore', 0, [document.file, '--yes']);
  const start = acts.find(({ what }) => what === 'StartUnit');
  assert.equal(
    start?.lost.filter((one) => one.includes(': step restore applied')),
    [],
  );
  assert.ok(
    start?.lost.some((one) => one.endsWith(': step restore done')),
    'what is lost is seen',
  );
});

/** Each of these is on the disk before the ledger has another line: whatever comes next may be an act. */
const alone = {
  restart: /^(begin|failure|outcome|step (stop|migrate) intended|step migrate (applied|reverted))$/,
  socket: /^(begin|failure|outcome|step (migrate|swap) intended|step migrate (applied|reverted))$/,
};

/** Lines of a ledger that no sync of their own followed. */
function heldBack(notes: readonly Note[], strategy: keyof typeof alone): string[] {
  const missed: string[] = [];
  let waiting: string[] = [];
  for (const { what, path, text = '' } of notes) {
    if (!path.endsWith('.jsonl')) continue;
    if (what === 'written') {
      missed.push(...waiting);
      waiting = saidIn(text).filter((line) => alone[strategy].test(line));
    }
    if (what === 'synced') waiting = [];
  }
  return [...missed, ...waiting];
}

/** Runs a command whose process notes what it does. */
async function noted(
  site: DatabaseSite,
  command: string,
  code: number,
  words: string[] = [],
): Promise<{ notes: Note[]; acts: Act[] }> {
  const { sandbox, app, builds, state, backups } = site;
  const path = `/var/lib/${app}.notes`;
  const env = { NODE_OPTIONS: `--require=${join(repository, 'test/disk/notes.cjs')}`, DISK_NOTES: path };
  const called = await site.call(command, words, { env });
  assert.is(called.code, code, called.stderr);
  const lines = (await readFile(sandbox.hostPath(path), 'utf8')).split('\n').filter(Boolean);
  const notes = lines.map((line) => JSON.parse(line) as Note);
  const isOf = (one: string): boolean =>
    [builds, state, backups].some((folder) => one === folder || one.startsWith(`${folder}/`)) && !one.endsWith('/lock');
  return { notes, acts: actsOf(notes, isOf) };
}

/** The acts without which nothing would have been proven. */
function assertOrder(
  { builds, state, backups }: DatabaseSite,
  acts: readonly Act[],
  { command, isBad, strategy }: Pick<Case, 'command' | 'isBad'> & { strategy: 'socket' | undefined },
): void {
  const names = acts.map(({ what }) => what);
  const first = (what: string): number => {
    const at = names.findIndex((name) => name.startsWith(what));
    assert.not.equal(at, -1, `${what} is not in ${names.join(', ')}`);
    return at;
  };
  const marked = first(`rename ${state}/in-flight`);
  const swapped = first(`rename ${builds}/current`);
  if (command === 'deploy') assert.ok(first(`rename ${backups}/`) < swapped, 'the backup, then the swap');
  if (strategy === undefined) assert.ok(marked < first('StopUnit'), 'the mark, then the stop');
  const begun = first(strategy ? 'RestartUnit' : 'StartUnit');
  assert.ok(marked < swapped && swapped < begun, 'the mark, the swap, the start');
  if (isBad) first(`rename ${state}/quarantine.json`);
  assert.ok(begun < first(`unlink ${state}/in-flight`), 'the mark goes last');
}
