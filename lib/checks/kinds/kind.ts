import type { CommandContext } from '../../config/command-environment.ts';
import type { ManagerKind, TargetConfig } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import type { Answer } from '../check.ts';

/** What a configured check is asked about. */
export interface KindSubject {
  /** the target, its builds and the run: what a command is told too */
  context: CommandContext;
  manager: ManagerKind;
  systemd: Pick<Systemd, 'facts' | 'processes'>;
  /** whether what is wrong may be put right; otherwise nothing is changed */
  mayMend: boolean;
  signal: AbortSignal;
}

/** A kind of question that the configuration may ask. */
export interface Kind<Options> {
  /**
   * Asks it.
   * @throws what keeps it from being asked, which counts as a bad answer; the signal's reason
   */
  ask: (options: Options, subject: KindSubject) => Promise<Answer>;
  /** it asks the running service itself, so there is no answer where nothing runs yet */
  isAboutService?: (options: Options, target: TargetConfig) => boolean;
  /** the answer may become good by itself while a service comes up */
  mayComeUp?: true;
}
