import { openController } from '../base/wait.ts';
import { redactorOf } from '../base/redactor.ts';
import { secretsOf } from '../config/known-secrets.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { pathsOf } from '../deployer/place.ts';
import { type Look, look } from '../deployer/recover/look.ts';
import { attemptMs, whereItIs, windDownMs } from '../deployer/recover/patience.ts';
import { phasesOf, recover, type RecoveryHands, usualRecovery } from '../deployer/recover/recover.ts';
import { recoverText } from '../report/recover-text.ts';
import { withoutSecrets } from '../report/recovery-report.ts';
import { newRunId } from '../run/inputs.ts';
import { duration } from '../report/words.ts';
import { reachSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { attemptApart } from './recover-attempt.ts';
import { interruptSignal, refuseSuspension } from './signals.ts';

export const run: Run<{ only?: string; statusOnly?: boolean }> = async (words, options, terminal) => {
  const config = await configFor(options, terminal);
  const only = options.only?.split(',').map((name) => name.trim()) ?? [];
  const phases = phasesOf(config, [...words, ...only].filter(Boolean));
  const redact = redactorOf(await secretsOf([...phases.flat(), config.notify, config.serve], terminal.env));
  const tell = (text: string): void => terminal.tell(redact(text));
  const signal = interruptSignal();
  const isLookOnly = options.statusOnly === true;
  // What its attempts say has to be read while they are at work.
  if (!isLookOnly) refuseSuspension(terminal);
  const ending: Promise<unknown>[] = [];
  const hands = handsOf(config, { options, isLookOnly, signal, ending, tell });
  const found = await recover({ phases, recovery: config.recovery ?? usualRecovery, isLookOnly, signal }, hands);
  const report = { ...found, targets: found.targets.map((one) => withoutSecrets(one, redact)) };
  if (options.json) terminal.print(JSON.stringify(report));
  else terminal.tell(`${recoverText(report, terminal.colours)}\n`);
  // They still tell others of what they did, which nobody had to wait for.
  await Promise.all(ending);
  return report.exit_code;
};

interface Surroundings {
  options: GlobalOptions;
  isLookOnly: boolean;
  signal: AbortSignal;
  /** processes that have said what they did, and have not ended yet */
  ending: Promise<unknown>[];
  tell: Terminal['tell'];
}

function handsOf(config: Config, { options, isLookOnly, signal, ending, tell }: Surroundings): RecoveryHands {
  const systemd = reachSystemd(config.manager);
  const say = (text: string): void => void (options.quiet || tell(`${text}\n`));
  // An interruption is told of with what it left.
  const recovery = newRunId(null);
  const looking = isLookOnly ? signal : openController().signal;
  const lookAt = (target: TargetConfig): Promise<Look> =>
    look({ config, target, paths: pathsOf(config, target), systemd, signal: looking });
  return {
    look: lookAt,
    async attempt(target, { isLast }) {
      const onLine = (line: string): void => say(`${target.name}: ${line}`);
      const at = (): ReturnType<typeof whereItIs> => whereItIs(pathsOf(config, target));
      const deadline = { attemptMs: attemptMs(target, { isLast }), windDownMs: windDownMs(target), whereItIs: at };
      const request = { options, file: config.file, isLast, recovery, deadline, signal, onLine, look: lookAt };
      const { attempt, ended } = await attemptApart(target, request);
      ending.push(ended);
      return attempt;
    },
    onPause: (left, delayMs) =>
      say(`not healthy yet: ${left.join(', ')}; the next attempt begins in ${duration(delayMs)}`),
  };
}
