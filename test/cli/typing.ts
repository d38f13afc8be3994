import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, startFed } from '../../lib/base/exec.ts';
import { completedTools, completionScript } from '../../lib/cli/completion/script.ts';
import { makeDirectory } from '../builds/directory.ts';
import { executable } from '../deploy/site.ts';
import type { TestContext } from '../suite.ts';

/** A folder with a configuration and builds, and shells that complete in it. */
export interface Desk {
  root: string;
  env: Record<string, string>;
  /** Types lines (`\t` asks) into the real shell on a terminal; gives the words that the program would have got of each. */
  type: (shell: 'bash' | 'zsh', lines: readonly string[], how?: { isSourced?: boolean }) => Promise<string[][]>;
  /** What fish offers for a line, each with its description behind a tab. */
  offered: (line: string) => Promise<string[]>;
  /** What the hidden command prints for a line. */
  ask: (line: string) => Promise<{ beside: string; values: string[]; stderr: string; code: number | null }>;
}

export const odd = 'prod.eu-1_x';

/** Builds of the target production: a good one, the current one, one in quarantine, a broken one. */
export const builds = {
  good: 'dist.20260203-150001',
  current: 'dist.20260203-150002',
  quarantined: 'dist.20260203-150003',
  broken: 'dist.20260203-150004',
};

/** Makes the folder; with `toml`, another configuration than the usual one. */
export async function makeDesk(t: TestContext, toml?: string): Promise<Desk> {
  const root = await makeDirectory(t);
  const bin = join(root, 'bin');
  await mkdir(bin);
  for (const tool of completedTools) await symlink(executable(tool), join(bin, tool));
  const usual = `app = "shop"\nstate = "${root}/state"\n${target('production', root)}${target(odd, root)}`;
  for (const name of ['cutover.toml', 'my file.toml']) await writeFile(join(root, name), toml ?? usual);
  await makeProduction(root);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: root, XDG_CONFIG_HOME: '', CUTOVER_CONFIG: '', TERM: 'dumb' };
  return {
    root,
    env,
    type: (shell, lines, how) => typeInto(shell, lines, { root, env, signal: t.signal, ...how }),
    async offered(line) {
      await writeFile(join(root, 'cutover.fish'), completionScript('fish'));
      const asked = `source ${root}/cutover.fish; complete -C ${JSON.stringify(line)}`;
      const { stdout } = await exec(['fish', '--no-config', '-c', asked], { timeoutMs: 60_000, cwd: root, env });
      return stdout.split('\n').filter(Boolean);
    },
    async ask(line) {
      const command = [process.execPath, executable('cutover'), 'complete', 'line', '--', line] as const;
      const { code, stdout, stderr } = await exec([...command], { timeoutMs: 60_000, cwd: root, env });
      const [first = '', ...lines] = stdout.split('\n');
      const values = lines.filter(Boolean).map((text) => text.split('\t')[0] ?? '');
      return { beside: first.split('\t')[0] ?? '', values, stderr, code };
    },
  };
}

function target(name: string, root: string): string {
  return `[targets."${name}"]\nunit = "${name}.service"\nbuilds = "${root}/${name}"\n`;
}

async function makeProduction(root: string): Promise<void> {
  const state = join(root, 'state/shop/production');
  for (const id of Object.values(builds)) await mkdir(join(root, 'production', id), { recursive: true });
  for (const id of [builds.good, builds.current, builds.quarantined])
    await writeFile(join(root, 'production', id, 'app'), id);
  await symlink(builds.current, join(root, 'production/current'));
  await mkdir(join(state, 'runs'), { recursive: true });
  const entry = { run: '20260203-150010-0000', reason: 'health', since: '2026-02-03T15:00:10.000Z' };
  await writeFile(join(state, 'quarantine.json'), JSON.stringify({ [builds.quarantined]: entry }));
}

interface Typing {
  root: string;
  env: Record<string, string>;
  signal: AbortSignal;
  isSourced?: boolean;
}

async function typeInto(shell: 'bash' | 'zsh', lines: readonly string[], typing: Typing): Promise<string[][]> {
  const { root, env, signal } = typing;
  // A terminal of its own, as wide as no line is.
  const command = `stty cols 1000; exec ${await prepare(shell, typing)}`;
  const child = await startFed(['script', '-qec', command, '/dev/null'], { env: { ...env, ZDOTDIR: root }, signal });
  const left = [...lines];
  const called: string[][] = [];
  let isAtPrompt = false;
  let seen = '';
  const next = () => (isAtPrompt ? /RAN((?:<[^\r\n]*>)?)END/ : /READY/).exec(seen);
  for await (const chunk of child.stdout) {
    seen += String(chunk);
    for (let mark = next(); mark; mark = next()) {
      seen = seen.slice(mark.index + mark[0].length);
      if (isAtPrompt) called.push(mark[1] ? mark[1].slice(1, -1).split('><') : []);
      else child.stdin.write(`${left.shift() ?? 'exit'}\n`);
      isAtPrompt = !isAtPrompt;
    }
  }
  await child.ended;
  if (called.length !== lines.length) throw new Error(`${shell} called the program ${called.length} times: ${seen}`);
  return called;
}

/** Writes what the shell reads at its start; the program itself is a function there, which only tells its words. */
async function prepare(shell: 'bash' | 'zsh', { root, isSourced }: Typing): Promise<string> {
  const tellers = completedTools.map(
    (tool) => `${tool}() { printf RAN; (( $# )) && printf '<%s>' "$@"; printf 'END\\n'; }`,
  );
  const begin = [`cd ${root}`, "PS1='READY '", 'unset HISTFILE'];
  if (shell === 'bash') {
    await writeFile(join(root, 'completion'), completionScript('bash'));
    const lines = [...begin, `source ${root}/completion`, 'bind "set enable-bracketed-paste off"', ...tellers];
    await writeFile(join(root, 'rc'), `${lines.join('\n')}\n`);
    return `bash --noprofile --rcfile ${root}/rc -i`;
  }
  await mkdir(join(root, 'functions'), { recursive: true });
  await writeFile(join(root, 'functions/_cutover'), completionScript('zsh'));
  const loaded = isSourced
    ? ['autoload -Uz compinit; compinit -u -D', `source ${root}/functions/_cutover`]
    : [`fpath=(${root}/functions $fpath)`, 'autoload -Uz compinit; compinit -u -D'];
  await writeFile(join(root, '.zshrc'), `${[...begin, ...loaded, ...tellers].join('\n')}\n`);
  return 'zsh -d -i';
}
