/**
 * The commands that people wait for, behind one import: the bundler then makes one file of all they share, and each
 * further file costs a start some 0.7 ms.
 */
export { run as builds } from './builds.ts';
export { run as check } from './check.ts';
export { run as deploy } from './deploy.ts';
export { run as direct } from './direct.ts';
export { run as history } from './history.ts';
export { run as report } from './report.ts';
export { run as rollback } from './rollback.ts';
export { run as settle } from './settle.ts';
export { run as status } from './status.ts';
