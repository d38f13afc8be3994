import type { Listener } from '../../../systemd/sockets.ts';
import { mark } from './our-units.ts';

/** Where the kernel takes IPv4 and IPv6 on one socket. */
const everywhere = '::';

/**
 * The socket unit of a service, as units/socket/app.socket has it with every line explained.
 * @param listening the lines `ListenStream=` and what belongs to them
 */
export function socketText(unit: string, listening: readonly string[]): string {
  return `${[
    mark,
    '[Unit]',
    `Description=Port of ${unit}`,
    '',
    '[Socket]',
    ...listening,
    // Below the limit of the kernel, which cuts it.
    'Backlog=4096',
    'TriggerLimitIntervalSec=0',
    '',
    '[Install]',
    'WantedBy=sockets.target',
  ].join('\n')}\n`;
}

/** The lines for what a service listens on now, in the order of its configured ports. */
export function listenLines(ports: readonly number[], listeners: readonly Listener[]): string[] {
  const streams = ports.flatMap((port) => {
    const own = listeners.filter((listener) => listener.port === port).map(({ address }) => address);
    const addresses = own.includes(everywhere) ? [everywhere] : [...new Set(own)].toSorted();
    return addresses.map((address) => ({ address, line: `ListenStream=${streamOf(address, port)}` }));
  });
  // The address of a network may not be there yet when the machine boots and sockets are opened.
  const isOfNetwork = streams.some(({ address }) => !/^(::1?|0\.0\.0\.0|127\..*)$/.test(address));
  return [...streams.map(({ line }) => line), ...(isOfNetwork ? ['FreeBind=yes'] : [])];
}

/** The same lines of a socket unit that is there. */
export function listenLinesIn(text: string): string[] {
  return text.split('\n').filter((line) => /^(ListenStream|FreeBind)=/.test(line));
}

function streamOf(address: string, port: number): string {
  if (address === everywhere) return String(port);
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
