import type { TargetConfig } from '../config/model.ts';
import { branchOf, isDeletion, whyNotDeleted } from './pushed-ref.ts';

/** A branch that was pushed, and the targets that it is deployed to, in their order. */
export interface PushedBranch {
  branch: string;
  /** the whole name of the commit */
  commit: string;
  targets: string[];
}

/** What a push asks for. */
export interface Push {
  branches: PushedBranch[];
  /** what deploys nothing, and why */
  ignored: { ref: string; why: string }[];
}

/** Why a line is none of git's. */
export const noLineOfGit = 'that is no "old new ref" line';

/**
 * What was there before is of no matter, so that a person may type anything for it. Of blanks a name may have any but those of
 * ASCII (git-check-ref-format(1)).
 */
// oxlint-disable-next-line no-control-regex -- they are what git refuses
const update = /^\S+ ([0-9a-f]{40,64}) (refs\/[^\u0000-\u0020\u007f]+)$/;

/**
 * Reads what git tells a post-receive hook, "old new ref" a line (githooks(5)), and finds the targets of each branch.
 * @param targets those of the configuration, or the one that the hook is for
 */
export function readPush(text: string, targets: readonly Pick<TargetConfig, 'name' | 'branch'>[]): Push {
  const push: Push = { branches: [], ignored: [] };
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const [, commit = '', ref = line] = update.exec(line) ?? [];
    const branch = branchOf(ref) ?? '';
    const bound = targets.filter((target) => branch !== '' && target.branch === branch).map(({ name }) => name);
    const why = whyIgnored({ branch, commit, bound });
    if (why === null) push.branches.push({ branch, commit, targets: bound });
    else push.ignored.push({ ref, why });
  }
  return push;
}

function whyIgnored({ branch, commit, bound }: { branch: string; commit: string; bound: string[] }): string | null {
  if (commit === '') return noLineOfGit;
  if (branch === '') return 'it is no branch';
  if (bound.length === 0) return 'no target is bound to this branch';
  if (isDeletion(commit)) return whyNotDeleted(bound);
  return null;
}

/** How a deploy of one target ended. */
export interface Pushed<Result> {
  target: string;
  branch: string;
  commit: string;
  /** null: left out, since the target before it did not take the commit */
  result: Result | null;
}

/**
 * Deploys a push, one target after the other: of one branch in the order of the configuration, and no further than to the
 * first that does not take it. Another branch is another matter.
 * @param deployOn deploys one; must not throw for what only this target is about
 * @param isGood whether the next target of the branch may follow
 */
export async function deployPush<Result>(
  branches: readonly PushedBranch[],
  {
    deployOn,
    isGood,
  }: {
    deployOn: (target: string, pushed: PushedBranch) => Promise<Result>;
    isGood: (result: Result) => boolean;
  },
): Promise<Pushed<Result>[]> {
  const all: Pushed<Result>[] = [];
  for (const pushed of branches) {
    let goesOn = true;
    for (const target of pushed.targets) {
      const result: Result | null = goesOn ? await deployOn(target, pushed) : null;
      goesOn = result !== null && isGood(result);
      all.push({ target, branch: pushed.branch, commit: pushed.commit, result });
    }
  }
  return all;
}
