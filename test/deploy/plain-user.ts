import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import type { Command } from '../../lib/base/exec.ts';
import type { StrategyName } from '../../lib/config/model.ts';
import { polkitRule } from '../../lib/deployer/init/polkit.ts';
import { sandboxFor, type TestSandbox } from '../sandboxed.ts';
import type { TestContext } from '../suite.ts';
import { executable, type Site, until } from './site.ts';

/** A plain user of the sandbox with a manager of his own, which runs whether or not he is logged in. */
export interface PlainUser {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  /** where his programs keep their state: `$XDG_STATE_HOME`, or what it is when unset */
  readonly stateHome: string;
  /** the sandbox as he sees it: every command runs as he, and `systemctl` speaks to his own manager */
  readonly sandbox: TestSandbox;
  /** Gives him what was written into his home from outside. */
  own(): Promise<void>;
}

const name = 'deployer';
const home = `/srv/${name}`;
let uidOf: Promise<number> | undefined;

/**
 * The one plain user of this file's sandbox.
 * @param XDG_STATE_HOME as he has set it; default: not set
 */
export async function plainUser({ XDG_STATE_HOME }: { XDG_STATE_HOME?: string } = {}): Promise<PlainUser> {
  const sandbox = await sandboxFor();
  const uid = await (uidOf ??= makeUser(sandbox));
  const env = { HOME: home, USER: name, XDG_RUNTIME_DIR: `/run/user/${uid}` };
  return {
    name,
    uid,
    home,
    stateHome: XDG_STATE_HOME ?? `${home}/.local/state`,
    sandbox: seenBy(sandbox, XDG_STATE_HOME === undefined ? env : { ...env, XDG_STATE_HOME }),
    own: async () => void (await sandbox.run('chown', '--recursive', `${name}:`, home)),
  };
}

/** What a polkit rule leaves out. */
export interface Denied {
  /** as the rule names it: a unit, or the beginning of a template's instance */
  unit: string;
  verb: string;
}

/** A user with a manager of their own, who has the site's files and the rule that `cutover init` writes for a deploying user. */
export async function deployingUser(
  t: TestContext,
  site: Site,
  strategy: StrategyName = 'restart',
): Promise<PlainUser & { deny: (denied?: Denied) => Promise<void>; words: (command: string) => string[] }> {
  const { sandbox, app, unit, builds, config } = site;
  const user = await plainUser();
  const directories = [`/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, builds];
  await sandbox.run('chown', '-R', `${user.name}:`, ...directories);
  await sandbox.run('chmod', '755', '/var/lib/cutover', '/var/log/cutover');
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover', '/var/log/cutover'));
  const sockets = site.socket === undefined ? [] : [site.socket];
  const { path, text } = polkitRule({ app }, [{ target: { unit, strategy }, id: unit, sockets }], { user: user.name });
  t.cleanup(() => sandbox.run('rm', '-f', path));
  await writeRule(sandbox, path, text);
  return {
    ...user,
    deny: (denied) => writeRule(sandbox, path, denied ? withoutVerb(text, denied) : text),
    words: (command) => [command, 'production', '--json', '--config', config],
  };
}

/** All that cutover keeps is the owner's, and of its state nobody else reads anything. A test's own files are root's. */
export async function assertOwned({ sandbox, builds, state, logs }: Site, owner: string): Promise<void> {
  assert.is(
    await sandbox.run('find', builds, state, logs, '!', '-user', owner, '!', '-name', 'go'),
    '',
    'files of somebody else',
  );
  assert.is(await sandbox.run('find', state, '!', '-type', 'l', '-perm', '/077'), '', 'files that others may read');
}

/** Has polkit read its rules, and who is in which group, now. */
export async function polkitReads(sandbox: TestSandbox): Promise<void> {
  // It sees the change by itself, at a moment that nobody is told of; and starts only so often in a while.
  await sandbox.exec(['systemctl', 'reset-failed', 'polkit.service']);
  await sandbox.run('systemctl', 'restart', 'polkit.service');
}

async function writeRule(sandbox: TestSandbox, path: string, text: string): Promise<void> {
  await sandbox.run('mkdir', '-p', dirname(path));
  await writeFile(sandbox.hostPath(path), text, { mode: 0o644 });
  await polkitReads(sandbox);
}

function withoutVerb(text: string, { unit, verb }: Denied): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.trimStart().startsWith(`${JSON.stringify(unit)}: [`));
  const line = lines[at]?.replace(JSON.stringify(verb), '"nothing"');
  if (line === undefined || line === lines[at]) throw new Error(`the rule does not allow ${verb} of ${unit}: ${text}`);
  return lines.with(at, line).join('\n');
}

async function makeUser(sandbox: TestSandbox): Promise<number> {
  await sandbox.run('useradd', '--create-home', '--home-dir', home, name);
  await sandbox.run('loginctl', 'enable-linger', name);
  const uid = Number(await sandbox.run('id', '-u', name));
  const bus = ['test', '-S', `/run/user/${uid}/bus`] as const;
  await until('his manager is up', async () => (await sandbox.exec(bus)).code === 0);
  return uid;
}

function seenBy(sandbox: TestSandbox, env: Record<string, string>): TestSandbox {
  const exec: TestSandbox['exec'] = (command, options) =>
    sandbox.exec(asUser(command), { ...options, env: { ...env, ...options?.env } });
  const spawn: TestSandbox['spawn'] = (command, options) =>
    sandbox.spawn(asUser(command), { ...options, env: { ...env, ...options?.env } });
  return {
    ...sandbox,
    exec,
    spawn,
    cutover: (args, options) => exec(cutoverCommand(args), { timeoutMs: 120_000, ...options }),
    startCutover: (args, options) => spawn(cutoverCommand(args), options),
    async run(...command) {
      const { code, stdout, stderr } = await exec(command);
      if (code === 0) return stdout;
      throw new Error(`${command.join(' ')} of ${name} exited with ${code}: ${stderr}${stdout}`);
    },
  };
}

function asUser([file, ...args]: Command): Command {
  const own = file === 'systemctl' ? ['systemctl', '--user'] : [file];
  return ['setpriv', `--reuid=${name}`, `--regid=${name}`, '--init-groups', '--', ...own, ...args];
}

function cutoverCommand(args: readonly string[]): Command {
  return [process.execPath, executable('cutover'), ...args];
}
