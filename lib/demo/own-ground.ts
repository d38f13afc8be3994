import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimeDirectory } from '../base/xdg.ts';
import { CutoverError, messageOf } from '../base/errors.ts';
import { type Command, type ExecOptions, type ExecResult, exec, type StartedProcess, start } from '../base/exec.ts';
import { freePorts } from '../base/free-port.ts';
import { SomethingLeft } from '../sandbox/something-left.ts';
import { openSystemd } from '../systemd/systemd.ts';
import { nameOfSelf } from '../systemd/typed.ts';
import type { Ground } from './ground.ts';

const execMs = 30_000;
const endMs = 120_000;

/**
 * Takes everything of a demo away: its files, its units whatever state they are in, and their files. The files go first, since
 * a run that was cut off would be settled otherwise. What was about to start goes at the second time. It fails when something is left.
 */
const endScript = `
take_away() {
  rm -rf "$1"
  systemctl --user kill --signal=KILL "$2"
  systemctl --user stop "$2" "$4"
  rm -f "$3"*
  systemctl --user daemon-reload
  systemctl --user reset-failed "$2"
  rm -rf "$1" && left=$(systemctl --user list-units --plain --no-legend "$2" "$4") && [ -z "$left" ]
}
take_away "$@" || take_away "$@"
`;

/** Waits for the demo's own end, however that comes. */
const watchScript = `tail --pid="$5" -f /dev/null; ${endScript}`;

/**
 * The manager that a plain user has: units of the demo's own among the user's, with names that nobody else's have, all files below one
 * temporary folder, and ports that are free. Whatever ends the demo, systemd sees to it that they go.
 * @throws `sandbox` saying what to type where the user has no manager
 */
export async function ownGround(signal: AbortSignal): Promise<Ground> {
  await requireOwnManager();
  const app = `cutover-demo-${process.pid}`;
  const root = await mkdtemp(join(tmpdir(), `${app}-`));
  const unitDirectory = join(runtimeDirectory(process.env), 'systemd/user');
  // The stand-ins' slice has the name too, with each "-" as "\x2d"; in a pattern a backslash is something else.
  const slices = `*${app.replaceAll('-', '?x2d')}?x2d*.slice`;
  const ending = [root, `*${app}-*`, join(unitDirectory, `${app}-`), slices];
  const children: StartedProcess[] = [];
  const end = (): Promise<void> => endAll(children, { app, ending });
  try {
    await mkdir(unitDirectory, { recursive: true });
    await watchOver(app, ending);
    const ports = await freePorts(3);
    signal.throwIfAborted();
    return { app, ports, unitDirectory, end, ...namesIn(root, app), ...accessTo(children) };
  } catch (error) {
    await end();
    throw error;
  }
}

function namesIn(
  root: string,
  app: string,
): Omit<Ground, 'app' | 'ports' | 'unitDirectory' | 'end' | 'exec' | 'spawn' | 'hostPath'> {
  const place = (path: string): string => join(root, path);
  const keeps = ['state', 'logs'].map((key) => `${key} = ${JSON.stringify(place(key))}\n`);
  return {
    head: `app = "${app}"\nmanager = "user"\n${keeps.join('')}`,
    state: place('state'),
    first: [],
    asUnit: ['systemd-run', '--user'],
    place,
    unit: (name) => `${app}-${name}`,
    systemctl: (...words) => ['systemctl', '--user', ...words],
    tells: (took) =>
      `Without root there is no throw-away systemd, so the manager of ${nameOfSelf()} serves, set up in ${took}: ` +
      'units of the demo alone, below a temporary folder, that go with it. There',
    gone: `The units in the manager of ${nameOfSelf()} are gone, and nothing of the demo is left.`,
  };
}

function accessTo(children: StartedProcess[]): Pick<Ground, 'exec' | 'spawn' | 'hostPath'> {
  return {
    exec: execThere,
    async spawn(command, options) {
      const dieTogether: Command = ['setpriv', '--pdeathsig', 'KILL', '--', ...command];
      const child = await start(dieTogether, { ...options, env: surroundings(options?.env) });
      children.push(child);
      return child;
    },
    hostPath: (path) => path,
  };
}

/** A demo that is killed can take nothing away: a unit that waits for its end does. */
async function watchOver(app: string, ending: readonly string[]): Promise<void> {
  const unit = ['systemd-run', '--user', '--quiet', '--collect', `--unit=${watcherOf(app)}`] as const;
  const watch = ['sh', '-c', watchScript, 'sh', ...ending, String(process.pid)];
  const { code, stderr } = await execThere([...unit, ...watch]);
  if (code !== 0)
    throw new CutoverError('sandbox', `your own manager starts nothing: ${stderr}`, {
      mend: 'systemctl --user status',
    });
}

/** No name that the pattern of what is ended matches. */
function watcherOf(app: string): string {
  return `${app.replace('demo', 'demo-end')}.service`;
}

async function endAll(children: StartedProcess[], { app, ending }: { app: string; ending: string[] }): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  const patience = { timeoutMs: endMs };
  const { code } = await execThere(['sh', '-c', endScript, 'sh', ...ending], patience);
  if (code !== 0) {
    throw new SomethingLeft(`not all of the demo is gone yet: ${watcherOf(app)} of your own manager goes on`, {
      mend: `systemctl --user list-units '${app}-*'`,
    });
  }
  await execThere(['systemctl', '--user', 'stop', watcherOf(app)], patience);
}

/** Programs look for the user's manager in the runtime directory, which `su -` and `sudo -iu` do not name. */
function surroundings(env: Record<string, string> = {}): Record<string, string> {
  return { XDG_RUNTIME_DIR: runtimeDirectory(process.env), ...env };
}

function execThere(command: Command, options: Partial<ExecOptions> = {}): Promise<ExecResult> {
  return exec(command, { timeoutMs: execMs, ...options, env: surroundings(options.env) });
}

async function requireOwnManager(): Promise<void> {
  try {
    (await openSystemd('user')).close();
  } catch (error) {
    const mend = `sudo cutover demo; or give yourself a manager: sudo loginctl enable-linger ${nameOfSelf()}, and log in anew`;
    const fact = `without root the demo needs a systemd manager of your own: ${messageOf(error)}`;
    throw new CutoverError('sandbox', fact, { mend, cause: error });
  }
}
