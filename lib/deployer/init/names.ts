import { basename, dirname } from 'node:path';
import { shellLine } from '../../base/shell-words.ts';
import type { StatePaths } from '../../run/state.ts';

const targets = 'production|prod|live|staging|stage|preview|development|dev|testing|test|qa';
const withTarget = new RegExp(`^(.+?)[-_.@](${targets})$`);

/**
 * What an app and its target are called, going by the unit's name: `shop-staging.service` is "staging" of "shop".
 * @param target the target's name when it was said
 */
export function namesFor(unit: string, target?: string): { app: string; target: string } {
  const whole = unit.replace(/\.service$/, '');
  const [, app, found] = withTarget.exec(whole) ?? [];
  if (app !== undefined && found !== undefined && (target ?? found) === found)
    return { app: nameOf(app), target: found };
  const rest = target !== undefined && whole.endsWith(`-${target}`) ? whole.slice(0, -target.length - 1) : whole;
  return { app: nameOf(rest), target: target ?? 'production' };
}

/** `cutover init UNIT` as one types it: with the names that the state is kept by, where others would be taken without them. */
export function initCommand(unit: string, { directory }: Pick<StatePaths, 'directory'>): string {
  const [app, target] = [basename(dirname(directory)), basename(directory)];
  const isDrafted = namesFor(unit).target === target;
  const isKnown = namesFor(unit, isDrafted ? undefined : target).app === app;
  const names = [...(isKnown ? [] : ['--app', app]), ...(isDrafted ? [] : ['--target', target])];
  return shellLine(['cutover', 'init', unit, ...names]);
}

/** `app@blue` is a unit and no name: the name becomes part of paths and of other units. */
function nameOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[._-]+|[._-]+$/g, '') || 'app';
}
