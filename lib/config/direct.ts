import { basename } from 'node:path';
import type { Config, ManagerKind } from './model.ts';
import { parseConfig } from './parse.ts';

/** What the software is called where nobody gave it a name. */
export const directApp = 'direct';

/** What is typed for a deploy without a configuration. */
interface Direct {
  unit: string;
  /** an absolute path */
  builds: string;
  ports: readonly number[];
  manager: ManagerKind;
}

/** What a configuration calls a unit, and where it has its runs recorded. */
export interface KnownAs extends Pick<Config, 'app' | 'state' | 'logs'> {
  target: string;
}

/**
 * The configuration of the form without a file: unit, builds directory, ports, and every default.
 * @param known none: the target is named after the unit
 * @throws `config` when one of them cannot be
 */
export function directConfig({ unit, builds, ports, manager }: Direct, known: KnownAs | null = null): Config {
  const { target = nameOf(unit), app = directApp, ...places } = known ?? {};
  return parseConfig({ app, manager, ...places, targets: { [target]: { unit, builds, port: ports } } }, null);
}

/** `app@blue` is a unit and no name: the name becomes part of paths and of other units. */
function nameOf(unit: string): string {
  return (
    basename(unit, '.service')
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[._-]+/, '') || 'unit'
  );
}
