import { ExitCode } from '../base/errors.ts';

const ends: Record<number, string> = {
  [ExitCode.done]: 'done',
  [ExitCode.refused]: 'refused, and nothing was changed',
  [ExitCode.noBuild]: 'no usable build, and nothing was changed',
  [ExitCode.failed]: 'FAILED: a person is needed now',
  [ExitCode.rolledBack]: 'taken back: what was there before serves again',
  [ExitCode.usage]: 'asked for something that cannot be',
  [ExitCode.unavailable]: 'systemd cannot be reached, and nothing was changed',
  [ExitCode.locked]: 'another run holds the target, and nothing was changed',
  [ExitCode.permission]: 'permission refused',
  [ExitCode.config]: 'the configuration has to be mended first',
  [ExitCode.interrupted]: 'interrupted before anything was changed',
};

/** What an exit code means to whoever pushed, and cannot see it. */
export function endOf(exitCode: number): string {
  return ends[exitCode] ?? `exit code ${exitCode}`;
}

/** The exit code for several: that which needs a person most, otherwise the first that is not 0. */
export function worstOf(exitCodes: readonly number[]): number {
  if (exitCodes.includes(ExitCode.failed)) return ExitCode.failed;
  return exitCodes.find((code) => code !== ExitCode.done) ?? ExitCode.done;
}
