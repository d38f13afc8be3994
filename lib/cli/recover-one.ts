import { targetNamed } from '../deployer/place.ts';
import { attempt } from '../deployer/recover/attempt.ts';
import { withoutSecrets } from '../report/recovery-report.ts';
import { leftFor } from '../run/cause.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { configFor, placeOf } from './place.ts';

/**
 * One attempt at one target, for the process of `cutover recover`, which reads the one document: systemd keeps a process in one
 * scope, so that two targets at once need two of them.
 */
export const run: Run<{ last?: boolean; recovery?: string }> = async ([name], options, terminal) => {
  const isLast = options.last === true;
  const config = await configFor(options, terminal);
  const place = await placeOf(config, targetNamed(config, name), { options, terminal, log: true });
  const tried = await whileWorking(place, terminal, () => attempt(place, { isLast, recovery: options.recovery }));
  const { document, after } = tried;
  if (document) place.emit({ type: 'outcome', document });
  // The whole document is in the ledger.
  terminal.print(JSON.stringify({ ...withoutSecrets(tried, place.redact), document: null }));
  // Only what brought it back, or the end of all attempts, is news for others.
  const isNews = document !== null && (after.healthy || isLast);
  // That another build serves is more than that the service is back.
  const isBack = document !== null && leftFor(document) !== null;
  const news = isNews ? (isBack ? document : { ...document, kind: 'recovery' as const }) : null;
  await afterwards(news, place, { terminal, isPruned: false });
  return 0;
};
