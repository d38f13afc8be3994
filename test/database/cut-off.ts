import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { startFed } from '../../lib/base/exec.ts';

/** What leaves a database in the middle of a transaction that has reached the disk, as a power cut or an empty battery does. */
export async function cutOffTransaction(path: string): Promise<void> {
  const shell = await startFed(['sqlite3', path], {});
  shell.stdin.write('PRAGMA journal_mode = delete; CREATE TABLE IF NOT EXISTS big(a);\n');
  shell.stdin.write(
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500) INSERT INTO big SELECT randomblob(1000) FROM c;\n',
  );
  // More pages than it keeps in memory: they are written before the end.
  shell.stdin.write(
    'PRAGMA cache_size = 2; BEGIN; DELETE FROM users; UPDATE big SET a = randomblob(1000);\n.print cut\n',
  );
  const [said] = (await once(shell.stdout.setEncoding('utf8'), 'data')) as [string];
  assert.match(said, /delete|cut/);
  if (!said.includes('cut')) await once(shell.stdout, 'data');
  shell.kill();
  await shell.ended;
  assert.ok((await stat(`${path}-journal`)).size > 0, 'the transaction was not cut off');
}
