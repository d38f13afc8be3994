import type { Readable } from 'node:stream';
import { CutoverError } from '../base/errors.ts';
import { type Command, exec, startFed } from '../base/exec.ts';
import { shellLine } from '../base/shell-words.ts';
import { wholeOutput } from '../base/whole-output.ts';
import { type Reason, StepFailure } from '../run/failure.ts';
import { NotWanted, shortName, type Source } from './source.ts';

/** A large tree on a slow disk. */
const checkOutMs = 10 * 60_000;
const askMs = 30_000;
/** git would go on alone when this process dies, and write where the next run writes. */
const dieTogether = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
const plainText = { LC_ALL: 'C' };

/**
 * A commit of a repository on this machine.
 * @param repository its git directory, absolute; named outright, so that another user's is no matter (git-config(1), safe.directory)
 * @param commit its whole name in hexadecimal
 */
export function commitSource(repository: string, { commit, branch }: { commit: string; branch: string }): Source {
  const git = ['git', '--git-dir', repository] as const;
  return {
    revision: commit,
    branch,
    async verifyWanted(signal) {
      const asked: Command = [...git, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`];
      const tip = await tipOf(asked, signal);
      if (tip === commit) return;
      const why = tip === '' ? 'is gone' : `has moved on to ${shortName(tip)}, and that push deploys it`;
      throw new NotWanted(`${branch} ${why}: ${shortName(commit)} is left out`);
    },
    async checkOut(directory, signal) {
      // An index of its own: a repository with a work tree keeps its index, and what lies there.
      const env = { ...plainText, GIT_INDEX_FILE: `${directory}.index` };
      const put = ['--work-tree', directory, '-c', 'core.sparseCheckout=false', 'read-tree', '--reset', '-u', commit];
      const how = { timeoutMs: checkOutMs, signal, env, cwd: directory, maxBytes: 4096 };
      const { code, stderr, timedOut } = await exec([...dieTogether, ...git, ...put], how);
      if (code !== 0) throw gitError(timedOut ? 'it took too long' : stderr, `cannot check out ${commit}`);
    },
    archive: (signal) => archiveOf(commit, git, signal),
  };
}

/** @returns what the branch names; empty: there is no such branch @throws `refused` where git did not say */
async function tipOf(asked: Command, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr, timedOut } = await exec(asked, { timeoutMs: askMs, signal, env: plainText });
  if (code === 0 || (code === 1 && stderr === '')) return stdout.trim();
  const why = timedOut ? `it did not answer within ${askMs / 1000} s` : firstLine(stderr);
  throw new CutoverError('refused', `git cannot tell what was pushed last: ${why}`, { mend: shellLine(asked) });
}

async function archiveOf(commit: string, git: Command, signal: AbortSignal): Promise<Readable> {
  const made = ['-c', 'tar.umask=0022', 'archive', '--format=tar', commit] as const;
  const child = await startFed([...dieTogether, ...git, ...made], { signal, env: plainText });
  return wholeOutput(child, (said) => gitError(said, `cannot archive ${commit}`));
}

function gitError(said: string, what: string): StepFailure {
  const reason: Reason = /No space left/.test(said) ? 'disk' : /Permission denied/.test(said) ? 'permission' : 'hook';
  return new StepFailure(reason, `${what}: ${firstLine(said)}`);
}

function firstLine(said: string): string {
  const line = said.split('\n').find((text) => text.trim() !== '') ?? 'git did not say why';
  return line.replace(/^(fatal|error): /, '');
}
