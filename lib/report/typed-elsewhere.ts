import { machineFile } from '../config/load.ts';
import { asTyped } from './typed.ts';

/**
 * The commands in what is to be typed next, for whoever reads it in another directory, and perhaps as another user: they would find no
 * configuration but the machine's.
 * @param config the file; null: there is none
 */
export function asTypedElsewhere(mend: string, config: string | null): string {
  return config === null || config === machineFile ? mend : asTyped(mend, { config });
}
