import { writeFile } from 'node:fs/promises';
import type { Command } from '../../lib/base/exec.ts';
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

/** A user with a manager of their own, who has the site's files and may start and stop its unit on the system's manager. */
export async function deployingUser(t: TestContext, { sandbox, app, unit, builds }: Site): Promise<PlainUser> {
  const user = await plainUser();
  const directories = [`/var/lib/cutover/${app}`, `/var/log/cutover/${app}`, builds];
  await sandbox.run('chown', '-R', `${user.name}:`, ...directories);
  await sandbox.run('chmod', '755', '/var/lib/cutover', '/var/log/cutover');
  t.cleanup(() => sandbox.run('chmod', '700', '/var/lib/cutover', '/var/log/cutover'));
  const rule = '/etc/polkit-1/rules.d/50-cutover.rules';
  await sandbox.run('mkdir', '-p', '/etc/polkit-1/rules.d');
  const text = `polkit.addRule(function (action, subject) {
  if (action.id === 'org.freedesktop.systemd1.manage-units' && action.lookup('unit') === '${unit}' && subject.user === '${user.name}')
    return polkit.Result.YES;
});
`;
  await writeFile(sandbox.hostPath(rule), text, { mode: 0o644 });
  t.cleanup(() => sandbox.run('rm', rule));
  await sandbox.run('systemctl', 'restart', 'polkit.service');
  return user;
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
