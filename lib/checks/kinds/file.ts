import type { FileOptions } from '../../config/check-options.ts';
import type { Kind } from './kind.ts';
import { askOwnership } from './ownership.ts';

/** B4: a file is there, and whose it must be. */
export const fileKind: Kind<FileOptions> = {
  ask: ({ path, ...ownership }, { mayMend }) => askOwnership(path, ownership, mayMend),
};
