import { integer } from './number.ts';
import { oneOrMany } from './list.ts';
import { matching } from './text.ts';
import type { ValueType } from './value-type.ts';

/** One TCP port. */
export const port: ValueType<number> = integer({ min: 1, max: 65535, kind: 'a port' });

const many = oneOrMany(port);

/** A port or several; each is kept once. */
export const portList: ValueType<number[]> = {
  ...many,
  parse: (value, path) => [...new Set(many.parse(value, path))],
};

/** Where the webhook receiver listens unless it is told otherwise. */
export const defaultListen = '127.0.0.1:4040';

/** Where a server of ours listens. */
export const listenAddress: ValueType<string> = matching({
  name: `an address and a port such as "${defaultListen}"`,
  pattern: /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/,
});
