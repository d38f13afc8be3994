import { isCutoverError, messageOf } from '../base/errors.ts';
import { redactSentences } from '../base/redactor.ts';
import type { Config } from '../config/model.ts';
import { commitSource } from '../deployer/commit.ts';
import { deploy } from '../deployer/deploy.ts';
import { type Place, targetNamed } from '../deployer/place.ts';
import { NotWanted } from '../deployer/source.ts';
import type { RunDocument } from '../run/document.ts';
import { leaveHold } from '../run/hold.ts';
import type { PushedBranch } from '../triggers/post-receive.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import { defect } from './defect.ts';
import { placeOf } from './place.ts';

/** What a target made of a push. */
export interface HookResult {
  exitCode: number;
  /** the target serves the commit */
  isTaken: boolean;
  /** to try the same once more makes sense */
  isRepeatable: boolean;
  /** as `--json` prints a run; null: it came to none */
  document: unknown;
  error: { code: string; message: string; mend: string | null } | null;
}

export interface HookSurroundings {
  config: Config;
  repository: string;
  waitMs: number;
  options: GlobalOptions;
  terminal: Terminal;
  signal: AbortSignal;
  /** so many targets are still to come */
  left: number;
}

/** Deploys a pushed commit to one target, and tells it. What is wrong with the one must not keep others from theirs. */
export async function deployPushed(name: string, pushed: PushedBranch, about: HookSurroundings): Promise<HookResult> {
  try {
    about.signal.throwIfAborted();
    return await runOn(name, pushed, about);
  } catch (error) {
    const { code, mend, exitCode } = isCutoverError(error) ? error : defect;
    const message = messageOf(error);
    const isStale = error instanceof NotWanted;
    const command = mend ? `  -> ${mend}\n` : '';
    about.terminal.tell(isStale ? `  note: ${message}\n` : `cutover: ${message}\n${command}`);
    const told = { code, message, mend: mend ?? null };
    const isRepeatable = isCutoverError(error) && !isStale;
    const failed = { isTaken: false, isRepeatable, document: null, error: told };
    return { ...failed, exitCode: isStale ? 0 : exitCode };
  }
}

async function runOn(
  name: string,
  { branch, commit }: PushedBranch,
  { config, repository, waitMs, options, terminal, left }: HookSurroundings,
): Promise<HookResult> {
  const target = targetNamed(config, name);
  const place = await placeOf(config, target, { options, terminal, log: true });
  try {
    const source = commitSource(repository, { commit, branch });
    const asked = { source, waitMs, isForced: false, isFixForward: false };
    const document = await whileWorking(place, terminal, () => deploy(place, asked));
    place.emit({ type: 'outcome', document });
    await afterwards(document, place, { terminal });
    // Whoever deploys there next must not wait until this process is done with all the others.
    if (left > 0) await leaveHold({ systemd: place.systemd, app: config.app, target: name });
    return resultOf(document, place);
  } finally {
    place.systemd.close();
  }
}

function resultOf(document: RunDocument, { redact }: Place): HookResult {
  const { outcome, exit_code: exitCode } = document;
  return {
    exitCode,
    isTaken: exitCode === 0,
    isRepeatable: outcome === 'refused' || outcome === 'interrupted',
    document: redactSentences(document, redact),
    error: null,
  };
}
