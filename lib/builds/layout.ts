import { join } from 'node:path';

/** The link that names the build in service. */
export const currentName = 'current';
/** Where builds are received before they get a name. */
export const incomingName = '.incoming';

const idPattern = /^dist\.\d{8}-\d{6}(?:-(?:[2-9]|[1-9]\d+))?$/;

/** Whether a name is one of a build: `dist.YYYYMMDD-HHMMSS`, a real moment, with `-2`, `-3` … after a collision. */
export function isBuildId(name: string): boolean {
  return createdAtOf(name) !== null;
}

/** The moment (UTC) in a build's name, or null where the name is not one of a build. */
export function createdAtOf(name: string): Date | null {
  if (!idPattern.test(name)) return null;
  const iso = name.slice(5, 20).replace(/(....)(..)(..)-(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z');
  const date = new Date(iso);
  // The language turns 31 February into 3 March: such a name is nobody's build.
  return !Number.isNaN(date.getTime()) && stampOf(date) === name.slice(5, 20) ? date : null;
}

/** Orders two build ids, older first: by stamp, then by number, so that `-10` comes after `-9`. */
export function compareBuildIds(a: string, b: string): number {
  const [stampA, stampB] = [a.slice(5, 20), b.slice(5, 20)];
  if (stampA !== stampB) return stampA < stampB ? -1 : 1;
  return numberOf(a) - numberOf(b);
}

/**
 * The id for a build made at `date`: the first of `dist.STAMP`, `dist.STAMP-2`, `dist.STAMP-3` … that is not taken.
 * @param isTaken whether a build of that id exists already
 */
export function buildIdFor(date: Date, isTaken: (id: string) => boolean = () => false): string {
  const first = `dist.${stampOf(date)}`;
  if (!isTaken(first)) return first;
  let number = 2;
  while (isTaken(`${first}-${number}`)) number += 1;
  return `${first}-${number}`;
}

/** `YYYYMMDD-HHMMSS` in UTC, as build names and run ids carry it. */
export function stampOf(date: Date): string {
  const digits = date.toISOString().replaceAll(/[-:]/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}`;
}

/** The path of the link below a builds directory. */
export function currentPath(directory: string): string {
  return join(directory, currentName);
}

function numberOf(id: string): number {
  return id.length > 21 ? Number(id.slice(21)) : 1;
}
