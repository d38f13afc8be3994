import { networkInterfaces } from 'node:os';
import type { TargetConfig } from '../../config/model.ts';

/** Whether an address is one of the target's own ports on this machine. */
export function isOwnPort(host: string, port: number, { ports }: Pick<TargetConfig, 'ports'>): boolean {
  return ports.includes(port) && isHere(host.replace(/^\[|\]$/g, ''));
}

function isHere(host: string): boolean {
  if (/^(localhost|127\..*|::1|0\.0\.0\.0|::)$/i.test(host)) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}
