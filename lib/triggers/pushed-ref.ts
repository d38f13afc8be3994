const branchPrefix = 'refs/heads/';

/** The branch that a ref names, such as `main` of `refs/heads/main`; null: it is no branch. */
export function branchOf(ref: string): string | null {
  return ref.startsWith(branchPrefix) ? ref.slice(branchPrefix.length) : null;
}

/** git tells of a ref that is gone with a commit of zeros (githooks(5)). */
export function isDeletion(commit: string): boolean {
  return /^0+$/.test(commit);
}

/** Why a deleted branch deploys nothing. */
export function whyNotDeleted(targets: readonly string[]): string {
  return `the branch was deleted: ${targets.join(', ')} keeps what it serves`;
}
