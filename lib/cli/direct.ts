import { basename, dirname, resolve } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { directConfig } from '../config/direct.ts';
import { deploy } from '../deployer/deploy.ts';
import { systemctl } from '../systemd/typed.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { placeOf } from './place.ts';
import { waitMsOf } from './waiting.ts';

/** S9: unit, build directory and port are all that is known; the builds directory is the build's parent. */
export const run: Run<{ user?: boolean; wait?: string | number | boolean }> = async (words, options, terminal) => {
  const [unit, directory, port] = words as [string, string, string];
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new CutoverError('usage', `"${port}" is no port`, {
      mend: 'deploy-with-zero-downtime app.service /srv/app/builds/dist.20260203-151116 9000',
    });
  }
  const build = resolve(terminal.cwd, directory);
  const manager = options.user ? 'user' : 'system';
  const config = directConfig({ unit, builds: dirname(build), ports: [Number(port)], manager });
  const [target] = Object.values(config.targets);
  if (!target)
    throw new CutoverError('usage', `"${unit}" is no unit`, { mend: systemctl(manager, 'list-units --type=service') });
  const place = await placeOf(config, target, { options, terminal, log: true });
  // Nobody said how many builds are to be kept: none is removed.
  const isPruned = false;
  const how = { isForced: false, isFixForward: false, isPruned, waitMs: waitMsOf(options.wait) };
  const document = await whileWorking(place, terminal, () => deploy(place, { build: basename(build), ...how }));
  const exitCode = tellOutcome(document, place, { options, terminal });
  await afterwards(document, place, { terminal, isPruned });
  return exitCode;
};
