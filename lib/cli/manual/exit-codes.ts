import { ExitCode } from '../../base/errors.ts';

/** What each exit code tells a person. */
const meanings: Record<keyof typeof ExitCode, string> = {
  done: 'done; or nothing to do, since the build is deployed already',
  refused: 'refused by a check, a test, a fetch or a backup that is needed; nothing was changed',
  noBuild: 'no usable build: none, a broken one, or the build hook failed; nothing was changed',
  failed: 'failed, and the service is not verified healthy: a person is needed now',
  rolledBack: 'the candidate failed; the build before it is back and verified healthy',
  usage: 'wrong usage',
  unavailable: 'the service manager, systemd, cannot be reached',
  locked: 'another run holds the target; the message names it',
  permission: 'permission refused by systemd or the file system',
  config: 'an error in the configuration',
  interrupted: 'interrupted before anything was changed',
};

/** Every exit code with its meaning, as they rise. */
export const exitCodes: readonly { code: number; meaning: string }[] = Object.entries(ExitCode)
  .map(([name, code]) => ({ code, meaning: meanings[name as keyof typeof ExitCode] }))
  .toSorted((a, b) => a.code - b.code);
