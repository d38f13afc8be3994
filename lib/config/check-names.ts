/** The checks that are asked before deploys without being configured, in their order (the contract's names). */
const ownChecks = [
  'unit',
  'unit_file',
  'restart_limit',
  'port',
  'disk',
  'memory',
  'health',
  'builds',
  'candidate',
  'quarantine',
  'in_flight',
  'database',
  'permission',
  'hooks',
] as const;

/** A name that a configured check cannot have. */
export type OwnCheckName = (typeof ownChecks)[number];

/** Whether a check of this name is asked anyway, so that a configured one needs another. */
export function isOwnCheck(name: string): boolean {
  return ownChecks.some((own) => own === name);
}
