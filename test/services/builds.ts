import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The test service, to be run by node in a build's directory. */
export const appFile = fileURLToPath(new URL('app.mjs', import.meta.url));

/** What the test service of a build does; the words are explained by `app.test.ts`. */
export interface Behaviour {
  mode?:
    | 'good'
    | 'crash'
    | 'exit0'
    | 'crash_later'
    | 'never_listen'
    | 'hang'
    | 'status'
    | 'wrong_body'
    | 'ignore_sigterm'
    | 'eat_memory'
    | 'log_errors'
    | 'fork_away'
    | 'slow_start'
    | 'held'
    | 'flaky'
    | 'sicken';
  /** pause before it listens, or does what its mode says instead; default 0, `slow_start` 2000 */
  startMs?: number;
  /**
   * `crash_later`, `sicken`: from listening to the exit, or to the first bad answer; default 300.
   * `fork_away`: from the child's listening to the parent's exit; default 0, null: it stays
   */
  afterMs?: number | null;
  /** `flaky`: each so-manieth answer about its health is bad; default 3 */
  every?: number;
  /** in any mode that answers: what it says at a path, and the headers that it wants before it does */
  answers?: Record<string, { status?: number; body?: string; wants?: Record<string, string> }>;
  /** a Unix socket that it listens on beside the port */
  socket?: string;
  /** `status`: default 500 */
  status?: number;
  /** `eat_memory`: default 256 */
  megabytes?: number;
  /** `log_errors`: on each of both streams; default 3 */
  lines?: number;
  /** `log_errors`: text of the lines on stderr */
  message?: string;
}

/** Writes a build, and gives its path. */
export async function makeBuild(buildsDir: string, id: string, behaviour?: Behaviour): Promise<string> {
  const path = join(buildsDir, id);
  await mkdir(path, { recursive: true });
  if (behaviour) await writeFile(join(path, 'behaviour.json'), JSON.stringify(behaviour));
  await copyFile(appFile, join(path, 'app.mjs'));
  return path;
}

/** The text of a unit that runs the test service in `current`. */
export function unitFile({
  description = 'Test service',
  buildsDir,
  port,
  node,
  extra = [],
}: {
  description?: string;
  buildsDir: string;
  port: number;
  /** path of the node executable */
  node: string;
  /** more lines of the section [Service]; a later one wins */
  extra?: string[];
}): string {
  return `[Unit]
Description=${description}
StartLimitIntervalSec=300
StartLimitBurst=3

[Service]
Type=exec
WorkingDirectory=${buildsDir}/current
ExecStart=${node} app.mjs
Environment=PORT=${port}
Restart=always
RestartSec=100ms
TimeoutStopSec=10
KillMode=mixed
${extra.map((line) => `${line}\n`).join('')}
[Install]
WantedBy=multi-user.target
`;
}
