import type { ChangeRecord } from './record.ts';

/** What a person changes in a program that opens its port itself. @param isSure it said so, or was seen not to take the socket */
export function adviceFor(
  { unit, to }: Pick<ChangeRecord, 'unit' | 'to'>,
  ports: readonly number[],
  isSure: boolean,
): string {
  const port = ports.join(', ');
  const why = isSure
    ? 'the program opens its port itself:'
    : `if the program opens port ${port} itself (journalctl may tell),`;
  return [
    `${why} let the program listen on the socket that systemd hands it, descriptor 3, when LISTEN_FDS is set:`,
    '  Node: server.listen({ fd: 3 }, 4096)      as in examples/node-socket/server.mjs',
    '  gunicorn, nginx, puma, Go, Rust: draining.md and examples/ of cutover',
    '  a program that cannot: it stays with the strategy "restart", or goes behind a proxy (examples/behind-a-proxy)',
    `deploy that build, then again: cutover init ${unit} --strategy ${to}`,
  ].join('\n     ');
}
