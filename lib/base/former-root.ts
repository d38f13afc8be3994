/** A user that root can become, with all groups. */
export interface Identity {
  uid: number;
  gid: number;
  gids: readonly number[];
}

/** Like the user it works as, this is a fact of the whole process, and the kernel does not keep it. */
let givenUpFor: readonly string[] | null = null;

/**
 * Gives up root's rights for a user's, for good.
 * @param directories what is that user's, and made root do so
 */
export function becomeUser({ uid, gid, gids }: Identity, directories: readonly string[]): void {
  // Whoever may send this process signals could otherwise have Node open a debugger in it (SIGUSR1), and with that all it holds.
  process.on('SIGUSR1', () => {});
  // In this order: who is not root any more may change neither groups nor user.
  process.setgroups?.([...gids]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  givenUpFor = directories;
}

/** The directories of another user for which root has given up its rights here; null: it has not. */
export function formerRootsDirectories(): readonly string[] | null {
  return givenUpFor;
}
