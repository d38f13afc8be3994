import { join } from 'node:path';
import type { Config, TargetConfig } from '../../config/model.ts';
import { instanceName } from '../../systemd/unit-text.ts';
import { rulesDirectory } from './polkit.ts';

/** The user that `cutover-serve.service` runs as. */
export const receiverUser = 'cutover-serve';

/**
 * The polkit rule (polkit(8)) that lets the webhook receiver start the service which carries out a request of one of these
 * targets, and nothing else: not stop it, and not start anything of its own making. A pure function of its arguments; the
 * file is to be root's, mode 0644.
 */
export function receiverRule(
  { app }: Pick<Config, 'app'>,
  targets: readonly Pick<TargetConfig, 'name'>[],
): { path: string; text: string } {
  const begins = targets.map(({ name }) => `    ${JSON.stringify(`cutover-request@${instanceName(app, name)}-`)},\n`);
  return { path: join(rulesDirectory, `50-cutover-serve-${app}.rules`), text: ruleText(begins.join('')) };
}

/** polkitd reads the language of 2009. A request's id is as lib/triggers/serve/request.ts makes it. */
function ruleText(begins: string): string {
  return `// Written by cutover init --install. The webhook receiver may have the requests that it accepted carried out, and do nothing else.
polkit.addRule(function (action, subject) {
  if (action.id !== "org.freedesktop.systemd1.manage-units" || subject.user !== "${receiverUser}") return polkit.Result.NOT_HANDLED;
  var begins = [
${begins}  ];
  var unit = String(action.lookup("unit"));
  var isRequest = begins.some(function (begin) {
    return unit.indexOf(begin) === 0 && /^r[0-9]{8,12}x[0-9a-f]{8}\\.service$/.test(unit.slice(begin.length));
  });
  return isRequest && action.lookup("verb") === "start" ? polkit.Result.YES : polkit.Result.NOT_HANDLED;
});
`;
}
