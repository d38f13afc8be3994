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

/** `app@blue` is a unit and no name: the name becomes part of paths and of other units. */
function nameOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[._-]+|[._-]+$/g, '') || 'app';
}
