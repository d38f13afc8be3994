import { parse } from 'smol-toml';
import { type CheckAnswer, askAll } from '../../../lib/checks/check.ts';
import { type ConfiguredSubject, configuredChecks, type Occasion } from '../../../lib/checks/configured.ts';
import type { CommandContext } from '../../../lib/config/command-environment.ts';
import type { TargetConfig } from '../../../lib/config/model.ts';
import { parseConfig } from '../../../lib/config/parse.ts';
import { openController } from '../../../lib/base/wait.ts';
import { leastToml } from '../../config/example.ts';

/** How a check is asked; what is not given is as in a deploy. */
export interface Asking extends Partial<Omit<ConfiguredSubject, 'context'>> {
  context?: Partial<CommandContext>;
  occasion?: Occasion;
  /** more lines of the target */
  target?: string;
}

/** The target of the smallest configuration with one check, `name = "it"`, whose other lines are given. */
export function targetWith(check: string, target = ''): TargetConfig {
  const text = `${leastToml}${target}\n[[targets.main.checks]]\nname = "it"\n${check}\n`;
  const { main } = parseConfig(parse(text), 'f.toml', { env: {} }).targets;
  if (!main) throw new Error('there is no target');
  return main;
}

/** These questions are for where there is a real one. */
function nobody(): never {
  throw new Error('this check asks systemd');
}

/** Asks a check as it is written in the configuration. */
export async function askCheck(
  check: string,
  { context, occasion, target, ...asking }: Asking = {},
): Promise<CheckAnswer> {
  const config = targetWith(`when = ["before", "after", "monitor"]\n${check}`, target);
  const about = { app: 'app', run: null, build: null, current: null, previous: null, revision: null };
  const subject: ConfiguredSubject = {
    context: { ...about, target: config, ...context },
    manager: 'system',
    systemd: { facts: nobody, processes: nobody },
    mayMend: true,
    redact: (text) => text,
    signal: openController().signal,
    ...asking,
  };
  const [answer] = await askAll(await configuredChecks(occasion ?? 'before', subject));
  if (!answer) throw new Error('nothing was asked');
  return answer;
}
