import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import type { Place } from '../../lib/deployer/place.ts';
import { lookAfter } from '../../lib/triggers/monitor/respond.ts';
import { rejection } from '../builds/directory.ts';
import { documentWith, newer } from '../run/samples.ts';
import { suite } from '../suite.ts';
import { follow } from './page/followed.ts';

const test = suite('triggers/monitor-after');

const facts = (): Promise<never> => Promise.reject(new CutoverError('bus_lost', 'the bus is gone'));

const isSeen = (): boolean => true;

test('S10, P4: a run that the monitor carried out is told of, where the bus is gone when it looks again', async (t) => {
  const { place } = await follow(t);
  const gone = { ...place, systemd: { ...place.systemd, facts } } as unknown as Place;
  const seen = { found: [], isSeen, current: newer, starts: { restarts: 2, invocation: 'a' } };
  const document = documentWith({ outcome: 'deployed' });
  const acted = { actions: ['went back'], document, isTried: true };
  const { found, ...rest } = await lookAfter(gone, { seen, acted });
  assert.equal(
    found.map(({ key, level }) => [key, level]),
    [['service', 'fail']],
  );
  assert.match(found[0]?.message ?? '', `it could not be looked at after run ${document.run}: the bus is gone`);
  assert.equal(rest, { isSeen, current: seen.current, starts: seen.starts });
  const error = await rejection(lookAfter(gone, { seen, acted: { ...acted, document: null } }));
  assert.is(error.code, 'bus_lost');
});
