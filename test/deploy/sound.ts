import { readdir, readlink } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunDocument } from '../../lib/run/document.ts';
import { type Called, type Site, until } from './site.ts';

interface Served {
  build: string;
  pid: number;
}

/**
 * What must hold after every run, whatever went wrong in it: the link, the process and the history tell the same,
 * and nothing of the run is left.
 * @param serves the proven build that has to serve; null: nothing was ever deployed, so no link and no process
 * @param calls what the command line said; the last one's run is the newest in the history if it began
 */
export async function assertSound(site: Site, serves: string | null, ...calls: Called[]): Promise<void> {
  const { sandbox, unit } = site;
  for (const { stdout, stderr } of calls) assert.not.match(stdout + stderr, '    at ');
  await assertNothingLeft(site);
  assert.is(await currentLink(site), serves, 'current');
  const mainPid = await sandbox.run('systemctl', 'show', '--property=MainPID', '--value', unit);
  if (serves === null) assert.is(mainPid, '0', 'a process of a build that is not current');
  else assert.equal(await whoServes(site), { build: serves, pid: Number(mainPid) }, 'what serves');
  const last = calls.at(-1);
  if (last) await assertRecorded(site, last.document);
}

/** Where `current` points, or null where there is none. */
export async function currentLink({ sandbox, builds }: Site): Promise<string | null> {
  return readlink(sandbox.hostPath(`${builds}/current`)).catch(() => null);
}

/** The build and the process that answer on the port, or null where nobody does. */
export async function whoServes({ sandbox, port }: Pick<Site, 'sandbox' | 'port'>): Promise<Served | null> {
  const { code, stdout } = await sandbox.exec(['curl', '--silent', `http://127.0.0.1:${port}/api/health`]);
  const answer = code === 0 ? (JSON.parse(stdout) as Served) : null;
  return answer && { build: answer.build, pid: answer.pid };
}

/** No mark, no scope, no settle unit, no temporary link, no half-received build. */
export async function assertNothingLeft({ sandbox, state, builds }: Site): Promise<void> {
  const list = ['systemctl', 'list-units', 'cutover*', '--all', '--plain', '--no-legend'] as const;
  // The kernel tells systemd of the process's end a moment after it tells us.
  let left = '';
  const areGone = async (): Promise<boolean> => {
    // The unit for the boot is installed where it is, and stays.
    const lines = (await sandbox.run(...list))
      .split('\n')
      .filter((line) => !/^cutover-settle@.* inactive +dead /.test(line));
    left = lines.join('\n');
    return left === '';
  };
  await until('units of cutover are gone', areGone).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${left}`);
  });
  assert.not.ok((await namesIn(sandbox.hostPath(state))).includes('in-flight'), 'in-flight is left');
  const known = /^(dist\.[\d-]+|current|\.incoming)$/;
  const strange = (await namesIn(sandbox.hostPath(builds))).filter((name) => !known.test(name));
  const received = await namesIn(sandbox.hostPath(`${builds}/.incoming`));
  assert.equal([strange, received], [[], []], 'left in the builds directory');
}

/** The history's newest run is the one that the command line told of, with the same end. */
async function assertRecorded(site: Site, told: RunDocument): Promise<void> {
  const { runs } = (await site.call<{ runs: RunDocument[] }>('history')).document;
  if (told.steps.length === 0)
    return assert.not.ok(
      runs.some(({ run }) => run === told.run),
      'a run that never began has no record',
    );
  const { run, outcome, active, from, to, failure, steps } = told;
  const [newest] = runs;
  assert.equal(
    newest && {
      run: newest.run,
      outcome: newest.outcome,
      active: newest.active,
      from: newest.from,
      to: newest.to,
      failure: newest.failure,
      steps: newest.steps,
    },
    { run, outcome, active, from, to, failure, steps },
    'history',
  );
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
