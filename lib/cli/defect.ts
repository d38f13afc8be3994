import { ExitCode } from '../base/errors.ts';

/** What is told of an error that is none of ours. */
export const defect = {
  code: 'defect',
  mend: 'this is a defect of cutover: please report it with the output of --verbose',
  exitCode: ExitCode.failed,
};
