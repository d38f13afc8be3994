import { reasonOf } from '../../../run/failure.ts';
import type { ChangeRecord } from './record.ts';

/** What a person changes in a program that opens its port itself. */
export function adviceFor(
  { unit, to }: Pick<ChangeRecord, 'unit' | 'to'>,
  ports: readonly number[],
  error: unknown,
): string {
  const isUnclear = !['exited', 'restarting', 'timeout', 'port_taken'].includes(reasonOf(error));
  const port = ports.join(', ');
  const why = isUnclear
    ? `journalctl tells more; if it opens port ${port} itself,`
    : 'it seems to open its port itself:';
  return [
    `${why} let the program listen on the socket that systemd hands it, descriptor 3, when LISTEN_FDS is set:`,
    '  Node: server.listen({ fd: 3 }, 4096)      as in examples/node-socket/server.mjs',
    '  gunicorn, nginx, puma, Go, Rust: draining.md and examples/ of cutover',
    '  a program that cannot: it stays with the strategy "restart", or goes behind a proxy (examples/behind-a-proxy)',
    `deploy that build, then again: cutover init ${unit} --strategy ${to}`,
  ].join('\n     ');
}
