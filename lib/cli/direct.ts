import { basename, dirname, resolve } from 'node:path';
import { CutoverError, messageOf } from '../base/errors.ts';
import { directConfig, type KnownAs } from '../config/direct.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import type { Config, ManagerKind } from '../config/model.ts';
import { deploy } from '../deployer/deploy.ts';
import { systemctl } from '../systemd/typed.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { configFor, placeOf } from './place.ts';
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
  const said = { unit, builds: dirname(build), ports: [Number(port)], manager } as const;
  const config = directConfig(said, await knownAs(said, options, terminal));
  const [target] = Object.values(config.targets);
  if (!target)
    throw new CutoverError('usage', `"${unit}" is no unit`, { mend: systemctl(manager, 'list-units --type=service') });
  const place = await placeOf(config, target, { options, terminal, log: true, source: 'words' });
  const how = { isForced: false, isFixForward: false, waitMs: waitMsOf(options.wait) };
  const document = await whileWorking(place, terminal, () => deploy(place, { build: basename(build), ...how }));
  const exitCode = tellOutcome(document, place, { options, terminal });
  await afterwards(document, place, { terminal });
  return exitCode;
};

/**
 * A unit that is a target of the configuration at hand has its runs recorded where that target has: one history, and one lock.
 * @returns null: there is none, or it has no such target
 */
async function knownAs(
  { unit, manager }: { unit: string; manager: ManagerKind },
  options: GlobalOptions,
  terminal: Terminal,
): Promise<KnownAs | null> {
  const config = await (options.config === undefined ? configAtHand(terminal) : configFor(options, terminal));
  if (config === null || config.manager !== manager) return null;
  const target = Object.values(config.targets).find((one) => one.unit === unit);
  const { app, state, logs } = config;
  return target ? { target: target.name, app, state, logs } : null;
}

/** One that nobody named and that cannot be read is in nobody's way. */
async function configAtHand({ env, cwd, tell }: Terminal): Promise<Config | null> {
  const file = await findConfig({ env, cwd }).catch(() => null);
  if (file === null) return null;
  return loadConfig(file).catch((error: unknown) => {
    tell(`  note: ${messageOf(error)}; this run is recorded by itself\n`);
    return null;
  });
}
