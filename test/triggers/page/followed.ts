import { mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openController } from '../../../lib/base/wait.ts';
import { directConfig } from '../../../lib/config/direct.ts';
import type { TargetConfig } from '../../../lib/config/model.ts';
import { statePaths } from '../../../lib/run/state.ts';
import { reachSystemd } from '../../../lib/systemd/systemd.ts';
import { openDisks } from '../../../lib/triggers/page/disks.ts';
import type { WatchedPlace } from '../../../lib/triggers/page/knowledge.ts';
import { openWatching, type Watching } from '../../../lib/triggers/page/watching.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { newer, older } from '../../run/samples.ts';
import type { TestContext } from '../../suite.ts';

/** A target that the page follows. */
export interface Followed {
  place: WatchedPlace;
  watching: Watching;
  paths: ReturnType<typeof statePaths>;
  builds: string;
  /** how often the health address was asked */
  asked: () => number;
}

/** A target with real files and a real health address, and a unit that no manager knows. */
export async function follow(
  t: TestContext,
  { requests = () => Promise.resolve([]), ...bounds }: { requests?: WatchedPlace['requests']; lookMs?: number } = {},
): Promise<Followed> {
  const directory = await makeDirectory(t);
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.cleanup(() => server.close());
  const { port } = server.address() as AddressInfo;
  const builds = join(directory, 'builds');
  for (const id of [older, newer]) await mkdir(join(builds, id), { recursive: true });
  await symlink(newer, join(builds, 'current'));
  const config = directConfig({ unit: 'cutover-test-of-no-such.service', builds, ports: [port], manager: 'system' });
  const known = Object.values(config.targets)[0] as TargetConfig;
  const urls = [`http://127.0.0.1:${port}/health`];
  const target = {
    ...known,
    name: 'production',
    health: { ...known.health, urls, json: {}, statuses: [[200, 299]] as [number, number][] },
  };
  const paths = statePaths({ state: join(directory, 'state'), app: 'shop', target: 'production' });
  const ended = openController();
  const systemd = reachSystemd('system');
  t.cleanup(() => {
    ended.abort();
    systemd.close();
  });
  const disks = openDisks({ timeoutMs: 30_000, signal: ended.signal });
  const place = {
    config,
    target,
    paths,
    systemd,
    redact: (text: string) => text.replaceAll('hunter2', '[redacted]'),
    signal: ended.signal,
    requests,
  };
  return {
    place,
    watching: openWatching('shop', { places: [place], disks, signal: ended.signal, ...bounds }),
    paths,
    builds,
    asked: () => asked,
  };
}
