import * as assert from 'uvu/assert';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { assertServes } from './ended.ts';

/** Deploys one more good build, plainly, as whoever comes next would: it needs nobody's help. */
export async function deployNext(site: Site): Promise<{ from: string; to: string }> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add();
  const { code, document, stderr } = await site.call('deploy');
  assert.equal([code, document.outcome, document.from], [0, 'deployed', from], stderr);
  await assertServes(site, to);
  return { from, to };
}
