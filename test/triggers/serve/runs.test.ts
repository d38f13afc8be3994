// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { receivingSite } from './receiving.ts';

const test = suite('triggers/serve/runs', { timeoutMs: 180_000 });

test('W1: a signed request deploys the newest build, in a service of its own, and its outcome is told', async (t) => {
  const receiving = await receivingSite(t, { builds: [{}, {}] });
  const { site } = receiving;
  const pushed = await receiving.push({ branch: 'main', revision: '4f2a9c1' });
  assert.is(pushed.status, 202, receiving.output());
  const { id, run } = pushed.body;
  assert.equal(pushed.body, { status: 'queued', id, run: `/runs/${id}` });
  assert.is(pushed.headers.location, run);
  const ended = await receiving.ended(id);
  assert.equal(
    [ended.state, ended.outcome, ended.exit_code, ended.error],
    ['done', 'deployed', 0, null],
    JSON.stringify(ended),
  );
  assert.is(ended.document.run, ended.run);
  assert.equal([ended.revision, ended.branch, ended.step], ['4f2a9c1', 'main', null]);
  const journal = await site.sandbox.run('journalctl', '--output=cat', '--unit', 'cutover-request@*');
  assert.match(journal, ended.document.to);
  const health = await receiving.call({ path: '/health' });
  assert.equal([health.status, health.body.status, health.body.problems], [200, 'ok', []]);
  assert.is(health.body.last_run.run, ended.run);
  const known = await receiving.run(ended.run);
  assert.equal([known.state, known.outcome], ['done', 'deployed']);
});
