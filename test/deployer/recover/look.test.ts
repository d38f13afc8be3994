import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { directConfig } from '../../../lib/config/direct.ts';
import type { ManagerKind, TargetConfig } from '../../../lib/config/model.ts';
import { look } from '../../../lib/deployer/recover/look.ts';
import { statePathsIn } from '../../../lib/run/state.ts';
import type { Systemd } from '../../../lib/systemd/systemd.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite } from '../../suite.ts';
import { factsWith } from '../../systemd/facts.ts';

const test = suite('deployer/recover/look');

test('R3: a unit that is not there is asked for at the manager that it belongs to', async (t) => {
  const directory = await makeDirectory(t);
  const systemd = { facts: async () => factsWith({ loadState: 'not-found' }) } as unknown as Systemd;
  const nextFor = async (manager: ManagerKind): Promise<string | null> => {
    const config = directConfig({ unit: 'shop.service', builds: join(directory, 'builds'), ports: [], manager });
    const target = config.targets.shop as TargetConfig;
    const { next } = await look({ config, target, systemd, signal: t.signal, paths: statePathsIn(directory) });
    return next;
  };
  assert.is(await nextFor('system'), 'systemctl cat shop.service');
  assert.is(await nextFor('user'), 'systemctl --user cat shop.service');
});
