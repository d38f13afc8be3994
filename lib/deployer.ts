/** The library: what cutover does, without a terminal. */
export { type BuildRow, builds } from './deployer/builds.ts';
export { type CheckReport, check } from './deployer/check.ts';
export { type DeployOptions, deploy } from './deployer/deploy.ts';
export { history, report } from './deployer/history.ts';
export { type Place, pathsOf, targetNamed } from './deployer/place.ts';
export { rollback } from './deployer/rollback.ts';
export { settle } from './deployer/settle.ts';
export { status, type TargetStatus } from './deployer/status.ts';
