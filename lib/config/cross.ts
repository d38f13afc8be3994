import { realpathSync } from 'node:fs';
import { isOwnCheck } from './check-names.ts';
import type { CheckConfig, Config, TargetConfig } from './model.ts';
import { nearestName } from './nearest.ts';
import type { Problems } from './problems.ts';
import { name as nameType } from './values/name.ts';
import { WrongValue } from './values/value-type.ts';

/**
 * What no key can tell by itself. The configuration may have holes where a value was wrong:
 * those were reported already.
 */
export function verifyAcross(config: Config, problems: Problems): void {
  const targets = Object.values(config.targets);
  if (targets.length === 0)
    problems.add('targets: there are none; expected a table [targets.NAME] with unit and builds');
  for (const target of targets) {
    verifyName(target.name, problems);
    verifyDatabase(target, problems);
    verifyChecks(target, problems);
  }
  verifyUnlike(targets, 'unit', problems);
  verifyUnlike(targets, 'builds', problems, realOf);
  verifyPhases(config, problems);
}

function verifyName(name: string, problems: Problems): void {
  try {
    nameType.parse(name, `targets.${name}`);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    for (const line of error.lines) problems.add(line);
  }
}

/** Where a directory really is, once links are followed: two ways to it would lead two targets to one `current`. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // One that is yet to be made, or that may not be seen, is known by its name alone.
    return path;
  }
}

function verifyUnlike(
  targets: TargetConfig[],
  key: 'unit' | 'builds',
  problems: Problems,
  placeOf: (value: string) => string = String,
): void {
  const taken = new Map<string, string>();
  for (const target of targets) {
    const value = target[key];
    if (value === undefined) continue;
    const place = targets.length > 1 ? placeOf(value) : value;
    const other = taken.get(place);
    if (other === undefined) taken.set(place, target.name);
    else {
      const got = place === value ? `"${value}"` : `"${value}", which is ${place}`;
      const line = `targets.${target.name}.${key}: the same as that of ${other} (got ${got})`;
      problems.add(`${line}; expected one of its own`);
    }
  }
}

function verifyPhases({ recovery, targets }: Config, problems: Problems): void {
  const seen = new Set<string>();
  for (const [index, phase] of (recovery?.phases ?? []).entries()) {
    for (const name of phase) {
      const path = `recovery.phases[${index}]`;
      const near = nearestName(name, Object.keys(targets));
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      if (!Object.hasOwn(targets, name)) {
        problems.add(`${path}: no such target (got "${name}"); expected the name of a target${meant}`);
      } else if (seen.has(name)) problems.add(`${path}: named twice (got "${name}"); expected each target once`);
      seen.add(name);
    }
  }
}

function verifyDatabase({ name, database }: TargetConfig, problems: Problems): void {
  const path = `targets.${name}.database`;
  if (database?.kind === 'sqlite' && database.path === null) {
    problems.add(`${path}.path: missing; expected the path of the SQLite file`);
  }
  if (database?.kind === 'postgres') verifyAddress(path, database, problems);
}

function verifyChecks({ name, checks }: TargetConfig, problems: Problems): void {
  const seen = new Set<string>();
  for (const [index, check] of checks.entries()) {
    const path = `targets.${name}.checks[${index}]`;
    if (check.name !== undefined && seen.has(check.name)) {
      problems.add(`${path}.name: named twice (got "${check.name}"); expected a name of its own`);
    }
    if (isOwnCheck(check.name)) {
      problems.add(`${path}.name: the name of a check of cutover itself (got "${check.name}"); expected another one`);
    }
    seen.add(check.name);
    verifyOptions(path, check, problems);
  }
}

function verifyOptions(path: string, { kind, options }: CheckConfig, problems: Problems): void {
  if (kind === 'postgres') verifyAddress(path, options, problems);
  if (kind === 'log' && options.path !== null && options.unit !== null) {
    problems.add(`${path}: both path and unit; expected one of them`);
  }
  if (kind === 'log' && options.path !== null && options.sinceMs !== null) {
    problems.add(`${path}.since: of a file; expected it with a unit alone`);
  }
  const { min, max, count } = options;
  if (kind === 'processes' && min === null && max === null && count === null) {
    problems.add(`${path}: missing; expected count, min or max`);
  }
  if (typeof min === 'number' && typeof max === 'number' && min > max) {
    problems.add(`${path}.max: less than min (got ${max}); expected ${min} or more`);
  }
}

function verifyAddress(path: string, { url, urlFile }: { url?: unknown; urlFile?: unknown }, problems: Problems): void {
  if (url === null && urlFile === null) problems.add(`${path}.url_file: missing; expected url_file or url`);
  if (typeof url === 'string' && typeof urlFile === 'string') {
    problems.add(`${path}: both url and url_file; expected one of them`);
  }
}
