import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository, type TestSandbox } from '../../sandboxed.ts';

const preload = `--require=${join(repository, 'test/deployer/init/kill-at.cjs')}`;

/** Moments of kill-at.cjs at which much has been done. */
export const moments = {
  /** of a change to strategy "socket": the service is being restarted behind its socket */
  atRestart: 6,
  /** of a move into or out of the builds: it runs on the other side, and that is about to be written down */
  beforeProof: { adopt: 7, undo: 5 },
};

/** Runs `cutover init …` until its N-th moment. */
export async function initKilledAt(sandbox: TestSandbox, words: readonly string[], moment: number): Promise<void> {
  const env = { NODE_OPTIONS: preload, KILL_AT: String(moment) };
  const { code, stderr } = await sandbox.cutover(['init', ...words], { env });
  assert.ok(code === null || code === 137, `exit ${code}: ${stderr}`);
}
