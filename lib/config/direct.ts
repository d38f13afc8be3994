import { basename } from 'node:path';
import type { Config, ManagerKind } from './model.ts';
import { parseConfig } from './parse.ts';

/**
 * The configuration of the form without a file: unit, builds directory, ports, and every default.
 * The target is named after the unit.
 * @param direct `builds`: an absolute path
 * @throws `config` when one of them cannot be
 */
export function directConfig({
  unit,
  builds,
  ports,
  manager,
}: {
  unit: string;
  builds: string;
  ports: number[];
  manager: ManagerKind;
}): Config {
  // `app@blue` is a unit and no name: the name becomes part of paths and of other units.
  const name =
    basename(unit, '.service')
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[._-]+/, '') || 'unit';
  return parseConfig({ app: 'direct', manager, targets: { [name]: { unit, builds, port: ports } } }, null);
}
