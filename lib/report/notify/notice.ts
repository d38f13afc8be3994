import type { ManagerKind } from '../../config/model.ts';
import { leftFor } from '../../run/cause.ts';
import type { RunDocument } from '../../run/document.ts';
import { asTypedElsewhere } from '../typed-elsewhere.ts';
import { duration, nextCommands, sentenceAlone } from '../words.ts';
import { cut } from './cut.ts';

/** Of what people may be told: the words of `on = […]`. */
export type NoticeKind = 'deployed' | 'refused' | 'rolled_back' | 'failed' | 'recovered' | 'alert';

/** What everybody is told, before it is put into a channel's form. Its texts are plain, of one line, and bounded. */
export interface Notice {
  kind: NoticeKind;
  /** what happened, and to what */
  title: string;
  sentence: string;
  facts: [name: string, value: string][];
  /** what to type next */
  commands: string[];
  /** what a program is told */
  document: unknown;
}

/** The bounds leave room for what each channel's form adds: Discord takes 2000 characters, and each may become two. */
const most = { title: 120, sentence: 600, fact: 60, command: 120, commands: 4 };

type RunNoticeKind = Exclude<NoticeKind, 'alert'>;

const titles: Record<RunNoticeKind, string> = {
  deployed: '✅ deployed',
  refused: '⛔ refused, nothing was changed',
  rolled_back: '⚠️ rolled back',
  failed: '🚨 CRITICAL, act now: not verified healthy',
  recovered: '✅ recovered',
};

/**
 * What to tell of a run; null for one that changed nothing and that nobody waits for.
 * @param where whose units they are, the name of this machine, and the configuration's file
 */
export function noticeOf(
  document: RunDocument,
  { manager, host, config }: { manager: ManagerKind; host: string; config: string | null },
): Notice | null {
  const kind = kindOf(document);
  if (kind === null) return null;
  const { app, target } = document;
  const commands = kind === 'refused' ? [`cutover check ${target}`] : nextCommands(document, manager);
  return bounded({
    kind,
    title: `${document.kind === 'rollback' && kind === 'deployed' ? '✅ rolled back by hand' : titles[kind]}: ${app} ${target}`,
    sentence: sentenceAlone(document),
    facts: factsOf(document, host),
    commands: naming(config, commands),
    document,
  });
}

/** Commands that can be typed as they stand. One that would have to be cut for it is left as it is. */
export function naming(config: string | null, commands: readonly string[]): string[] {
  return commands.map((command) => {
    const named = asTypedElsewhere(command, config);
    return named.length > most.command ? command : named;
  });
}

/** A notice whose texts are within the bounds, whatever a branch or an error message holds. */
export function bounded(notice: Notice): Notice {
  const { title, sentence, facts, commands } = notice;
  return {
    ...notice,
    title: cut(title, most.title),
    sentence: cut(sentence, most.sentence),
    facts: facts.map(([name, value]) => [name, cut(value, most.fact)]),
    commands: commands.slice(0, most.commands).map((command) => cut(command, most.command)),
  };
}

function kindOf(document: RunDocument): RunNoticeKind | null {
  const { kind, outcome } = document;
  if (outcome === 'unchanged' || outcome === 'interrupted') return null;
  // A build that was good and is left without a person saying so is news as one that never was.
  if (leftFor(document) !== null) return 'rolled_back';
  return outcome === 'deployed' && kind === 'recovery' ? 'recovered' : outcome;
}

function factsOf(document: RunDocument, host: string): [string, string][] {
  const { kind, run, to, active, revision, branch, duration_ms, downtime_ms, failure, outcome } = document;
  const isLeft = leftFor(document) !== null;
  const facts: [string, string | null | undefined][] = [
    ['Build', isLeft ? document.from : to],
    ['Revision', isLeft ? null : revision],
    ['Branch', isLeft ? null : branch],
    ['In service', active === to && outcome === 'deployed' && !isLeft ? null : (active ?? 'not known')],
    ['Took', duration(duration_ms)],
    ['Port closed', downtime_ms === null || outcome === 'refused' ? null : duration(downtime_ms)],
    ['Failed in', failure ? `${failure.step} (${failure.reason})` : null],
    ['Found by', document.cause ? `${document.cause.by} (${document.cause.reason})` : null],
    ['Run', run === null ? null : `${kind} ${run}`],
    ['Machine', host],
  ];
  return facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
}
