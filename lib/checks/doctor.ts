import type { Systemd } from '../systemd/systemd.ts';
import { type Answer, type CheckStatus, type Finding, pass } from './check.ts';
import { backlog } from './doctor/backlog.ts';
import { lookAt, type Subject } from './doctor/look.ts';
import { inBuilds } from './doctor/in-builds.ts';
import { nonBlocking } from './doctor/non-blocking.ts';
import type { Patient, Rule } from './doctor/patient.ts';
import { pinnedBuild } from './doctor/pinned-build.ts';
import { programs } from './doctor/programs.ts';
import { readiness } from './doctor/readiness.ts';
import { reload } from './doctor/reload.ts';
import { restarting } from './doctor/restarting.ts';
import { standIn } from './doctor/stand-in.ts';
import { startLimit } from './doctor/start-limit.ts';
import { stopping } from './doctor/stopping.ts';
import { together } from './doctor/together.ts';
import { workingDirectory } from './doctor/working-directory.ts';
import { askUnitFile } from './unit.ts';

/** What is looked at in a unit, and in those that share its socket. */
export const rules: readonly Rule[] = [
  pinnedBuild,
  workingDirectory,
  inBuilds,
  programs,
  readiness,
  stopping,
  restarting,
  reload,
  together,
  startLimit,
  standIn,
  nonBlocking,
  backlog,
];

const order: readonly CheckStatus[] = ['fail', 'warn', 'pass'];

/** S12: the unit's file, and what a person who knows systemd would say to it. A unit that is not loaded says nothing. */
export async function askDoctor(subject: Subject, systemd: Pick<Systemd, 'facts' | 'property'>): Promise<Answer> {
  const own = askUnitFile(subject.facts);
  if (own.status === 'fail') return own;
  return answerOf(examine(await lookAt(subject, systemd)), subject.facts.fragmentPath ?? 'loaded');
}

/** Asks every rule that applies. */
export function examine(patient: Patient): Finding[] {
  return rules
    .filter((rule) => rule.appliesTo(patient))
    .flatMap((rule) => rule.ask(patient).map((answer) => ({ rule: rule.name, ...answer })));
}

/** The worst finding is the answer; the others are told with it. */
function answerOf(findings: Finding[], file: string): Answer {
  const worst = order.flatMap((status) => findings.find((finding) => finding.status === status) ?? [])[0];
  if (!worst || worst.status === 'pass') return { ...pass(file, 'a unit that suits a deploy'), findings };
  const { status, observed, expected, mend } = worst;
  return { status, observed, expected, mend, findings };
}
