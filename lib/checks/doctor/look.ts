import { realpath } from 'node:fs/promises';
import { CutoverError } from '../../base/errors.ts';
import type { TargetConfig } from '../../config/model.ts';
import { amount, type UnitFacts } from '../../systemd/facts.ts';
import { isDbusError } from '../../systemd/failures.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import {
  type LastRun,
  type Patient,
  type Relations,
  type Service,
  type Setup,
  type Socket,
  isShared,
} from './patient.ts';
import { missingPrograms } from './programs.ts';
import { lookAtQueue } from './queue.ts';
import { type Ask, listOf, setupOf } from './setup.ts';
import { whereaboutsOf } from './whereabouts.ts';

/** Who is to be looked at, and what is known already. */
export interface Subject {
  target: TargetConfig;
  facts: UnitFacts;
  /** all that systemd told of the unit; each question more is a message there and back */
  properties: ReadonlyMap<string, unknown>;
  /** the instance in which the candidate would come up beside the main unit; null: none, or not known */
  standIn: string | null;
  lastRun: () => Promise<LastRun | null>;
  /** look at what takes a program of its own, too: a person waits for it, and not a deploy */
  isThorough: boolean;
}

type Looking = Pick<Systemd, 'facts' | 'property'>;
/** Reads what the rules look at, all at once: with strategy `restart` some properties of one unit. */
export async function lookAt(subject: Subject, systemd: Looking): Promise<Patient> {
  const { target, facts, properties } = subject;
  const ask: Ask = async (_kind, name) => properties.get(name) ?? null;
  const [setup, buildsPaths, lastRun, { sharing, sockets, standIn, queue }] = await Promise.all([
    setupOf(ask),
    pathsOf(target.builds),
    subject.lastRun(),
    isShared(subject) ? lookAtSockets(subject, systemd) : alone,
  ]);
  const main: Service = { facts, ...sharing };
  const known = standIn ? [main, standIn] : [main];
  return {
    target,
    main,
    setup,
    buildsPaths,
    services: [...known, ...(await othersOf(sockets, known, systemd))],
    sockets,
    standIn,
    queue,
    lastRun,
    missing: await missingPrograms(setup, buildsPaths, ask),
    whereabouts: await whereaboutsOf(facts, { words: wordsOf(setup), files: setup.environmentFiles, buildsPaths }),
  };
}

async function pathsOf(builds: string): Promise<string[]> {
  return [...new Set([builds, await realpath(builds).catch(() => builds)])];
}

function wordsOf({ commands, environment, roots }: Setup): string[] {
  return [...commands.flatMap(({ argv }) => argv), ...environment, ...roots];
}

/** What is asked only where a socket is shared. */
interface Shared extends Pick<Patient, 'standIn' | 'queue'> {
  /** of the main unit */
  sharing: Omit<Service, 'facts'>;
  sockets: (Socket & { triggers: string[] })[];
}

const alone: Shared = {
  sharing: {
    relations: { conflicts: [], partOf: [], bindsTo: [], requires: [] },
    isNonBlocking: false,
    isDynamic: false,
  },
  sockets: [],
  standIn: null,
  queue: null,
};

async function lookAtSockets({ target, facts, standIn, isThorough }: Subject, systemd: Looking): Promise<Shared> {
  const names = facts.triggeredBy.filter((name) => name.endsWith('.socket'));
  const [sockets, sharing, beside, queue] = await Promise.all([
    Promise.all(names.map((name) => socketOf(name, systemd))),
    sharingOf(facts.unit, systemd),
    standIn === null ? null : serviceOf(standIn, systemd),
    lookAtQueue(isThorough ? target.ports : []),
  ]);
  return { sharing, sockets, standIn: beside, queue };
}

/** The services that the sockets start beside those that are known. */
async function othersOf(sockets: Shared['sockets'], known: Service[], systemd: Looking): Promise<Service[]> {
  const units = new Set(known.map(({ facts }) => facts.unit));
  const others = [...new Set(sockets.flatMap(({ triggers }) => triggers))].filter((name) => !units.has(name));
  return Promise.all(others.map((name) => serviceOf(name, systemd)));
}

async function socketOf(unit: string, systemd: Looking): Promise<Shared['sockets'][number]> {
  const ask = asker(unit, systemd);
  const [relations, isStale, triggers, backlog, burst, interval] = await Promise.all([
    relationsOf(unit, systemd),
    ask('Unit', 'NeedDaemonReload'),
    ask('Unit', 'Triggers'),
    ask('Socket', 'Backlog'),
    ask('Socket', 'TriggerLimitBurst'),
    ask('Socket', 'TriggerLimitIntervalUSec'),
  ]);
  return {
    unit,
    relations,
    needDaemonReload: isStale === true,
    backlog: amount(backlog) ?? Number.POSITIVE_INFINITY,
    triggerBurst: amount(burst) ?? 0,
    triggerIntervalMs: (amount(interval) ?? 0) / 1000,
    triggers: listOf(triggers),
  };
}

async function serviceOf(unit: string, systemd: Looking): Promise<Service> {
  const [facts, sharing] = await Promise.all([systemd.facts(unit), sharingOf(unit, systemd)]);
  return { facts, ...sharing };
}

async function sharingOf(unit: string, systemd: Looking): Promise<Omit<Service, 'facts'>> {
  const ask = asker(unit, systemd);
  const switches = ['NonBlocking', 'DynamicUser'].map((name) => ask('Service', name));
  const [relations, isNonBlocking, isDynamic] = await Promise.all([relationsOf(unit, systemd), ...switches]);
  return { relations, isNonBlocking: isNonBlocking === true, isDynamic: isDynamic === true };
}

async function relationsOf(unit: string, systemd: Looking): Promise<Relations> {
  const ask = asker(unit, systemd);
  const names = ['Conflicts', 'PartOf', 'BindsTo', 'Requires'];
  const [conflicts = [], partOf = [], bindsTo = [], requires = []] = await Promise.all(
    names.map(async (name) => listOf(await ask('Unit', name))),
  );
  return { conflicts, partOf, bindsTo, requires };
}

function asker(unit: string, systemd: Looking): Ask {
  return (kind, name) =>
    systemd.property(unit, kind, name).catch((error: unknown) => {
      if (error instanceof CutoverError && isDbusError(error, 'org.freedesktop.DBus.Error.UnknownProperty'))
        return null;
      throw error;
    });
}
