import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/model.ts';
import { systemctl } from '../../systemd/typed.ts';
import type { ServeLog } from './log.ts';
import { readWebhookSecret, secretIn, webhookSecretPath } from './secret.ts';

/** What the receiver goes by: the configuration, and the words that are for few eyes, as their files are now. */
export interface Ground {
  config: Config;
  /** null: it cannot be used, and no request is believed */
  secret: string | null;
  /** null: none is wanted */
  token: string | null;
  /** what of a file that was changed cannot be taken over, in sentences */
  problems: string[];
}

export interface GroundParts {
  /** as the receiver began with it */
  config: Config;
  env: NodeJS.ProcessEnv;
  log: Pick<ServeLog, 'tell'>;
}

/** Looks at the files again. */
export interface Grounds {
  /** As it is now: the same object as long as no file was changed. */
  now(): Promise<Ground>;
  /** As it was when it was looked at last. */
  latest(): Ground;
}

/**
 * Follows the files that the receiver goes by, so that a secret that got out is worth nothing as soon as there is another. A
 * configuration that cannot be used leaves the one before it in force; a secret or token that cannot be used lets nobody in.
 * @throws `config` when secret or token cannot be used to begin with
 */
export async function followGround(parts: GroundParts): Promise<Grounds> {
  const { config, env, log } = parts;
  let seen = await stateOf(filesOf(config, env));
  let ground = await firstGround(parts);
  const look = async (): Promise<Ground> => {
    const found = await stateOf(filesOf(ground.config, env));
    if (found === seen) return ground;
    seen = found;
    ground = await groundAnew(ground, parts);
    log.tell(6, 'a file was changed: configuration, secret and token were read anew');
    for (const problem of ground.problems) log.tell(3, problem);
    return ground;
  };
  let looking: Promise<Ground> | null = null;
  return {
    latest: () => ground,
    now() {
      // Many who ask at once look once.
      looking ??= look().finally(() => (looking = null));
      return looking;
    },
  };
}

async function firstGround({ config, env }: GroundParts): Promise<Ground> {
  const { secretFile = null, tokenFile = null } = config.serve ?? {};
  const secret = await readWebhookSecret(secretFile, env);
  const token = tokenFile === null ? null : await secretIn(tokenFile, 'token_file');
  return { config, secret, token, problems: [] };
}

async function groundAnew(before: Ground, { config: first, env }: GroundParts): Promise<Ground> {
  const problems: string[] = [];
  const orElse =
    <T>(what: string, instead: T) =>
    (error: unknown): T => {
      problems.push(`${what}: ${messageOf(error).split('\n')[0]}`);
      return instead;
    };
  const unusable = 'the configuration was changed, and the one before it is in force';
  const loaded = first.file === null ? first : await loadConfig(first.file).catch(orElse(unusable, before.config));
  const config = { ...loaded, ...lasting(first) };
  if (needsStart(loaded, first, env)) problems.push(startSentence(first));
  const { secretFile = null, tokenFile = null } = config.serve ?? {};
  const secret = await readWebhookSecret(secretFile, env).catch(orElse('no request is believed', null));
  // Nobody knows that one.
  const closed = orElse('no token is right', randomBytes(32).toString('hex'));
  const token = tokenFile === null ? null : await secretIn(tokenFile, 'token_file').catch(closed);
  return { config, secret, token, problems };
}

/** The queue lies there, and what runs was started by it. */
function lasting({ app, manager, state }: Config): Pick<Config, 'app' | 'manager' | 'state'> {
  return { app, manager, state };
}

function needsStart(loaded: Config, first: Config, { LISTEN_FDS }: NodeJS.ProcessEnv): boolean {
  const isMoved = LISTEN_FDS === undefined && loaded.serve !== null && loaded.serve.listen !== first.serve?.listen;
  return isMoved || JSON.stringify(lasting(loaded)) !== JSON.stringify(lasting(first));
}

function startSentence({ manager }: Config): string {
  const mend = systemctl(manager, 'restart cutover-serve.service');
  return `the configuration has another app, manager, state or listen, which only a start takes over: ${mend}`;
}

function filesOf({ file, serve }: Config, env: NodeJS.ProcessEnv): string[] {
  const files = [file, webhookSecretPath(serve?.secretFile ?? null, env), serve?.tokenFile ?? null];
  return files.filter((path) => path !== null);
}

/** What differs once a file was written, replaced, or given to others. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map(async (path) => {
    const facts = await stat(path, { bigint: true }).catch((error: unknown) => errnoOf(error) ?? 'unknown');
    if (typeof facts === 'string') return [path, facts];
    const { dev, ino, size, mtimeNs, ctimeNs } = facts;
    return [path, dev, ino, size, mtimeNs, ctimeNs].map(String);
  });
  return JSON.stringify(await Promise.all(states));
}
