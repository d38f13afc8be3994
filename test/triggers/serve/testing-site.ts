import { readFile, rm, writeFile } from 'node:fs/promises';
import { until } from '../../deploy/site.ts';
import type { TestContext } from '../../suite.ts';
import { type Receiving, receivingSite } from './receiving.ts';

/** A site where a request is carried out, whose hook `test` waits the first time. */
export async function testingSite(
  t: TestContext,
): Promise<{ receiving: Receiving; id: string; tested: () => Promise<number> }> {
  const hook = 'wait=$(cat /srv/tested.wait); echo begun >>/srv/tested; exec sleep "$wait"';
  const receiving = await receivingSite(t, { builds: [{}, {}], keys: [`hooks.test = '${hook}'`] });
  const { sandbox } = receiving.site;
  const [begun, wait] = [sandbox.hostPath('/srv/tested'), sandbox.hostPath('/srv/tested.wait')];
  t.cleanup(() => rm(begun, { force: true }));
  await writeFile(wait, '300');
  const { id } = (await receiving.push()).body;
  const isBegun = async (): Promise<boolean> => (await readFile(begun, 'utf8').catch(() => '')).includes('begun');
  await until('the test has begun', async () => (await receiving.run(id)).step === 'test' && (await isBegun()), 60_000);
  await writeFile(wait, '0');
  const tested = async (): Promise<number> => (await readFile(begun, 'utf8')).trim().split('\n').length;
  return { receiving, id, tested };
}
