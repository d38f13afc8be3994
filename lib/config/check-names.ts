/** The checks that are asked before every deploy, in their order (the contract's names). */
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
  'in_flight',
  'permission',
  'hooks',
] as const;

/** Whether a check of this name is always asked, so that a configured one needs another. */
export function isOwnCheck(name: string): boolean {
  return ownChecks.some((own) => own === name);
}
