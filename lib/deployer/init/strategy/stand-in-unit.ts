import { homedir } from 'node:os';
import { normalize } from 'node:path';
import { currentName } from '../../../builds/layout.ts';
import type { ManagerKind } from '../../../config/model.ts';
import { mark } from './our-units.ts';
import { settingsOf } from './unit-source.ts';

/** What a stand-in is made from. */
export interface Original {
  unit: string;
  /** the texts of the service's own files, the last of them ours, which names the socket */
  texts: readonly string[];
  /** the builds directory by every name that is known of it */
  buildsPaths: readonly string[];
  manager: ManagerKind;
  /** `RuntimeDirectoryPreserve=`, where it has a directory below /run; null: it has none */
  runtimeDirectory: string | null;
}

/**
 * The template for stand-ins: the service in everything but the build that it runs, by its name, and that it stays ended
 * when it ends. units/overlap/app-next@.service has it with every line explained.
 */
export function standInText(original: Original): string {
  const { unit, texts, runtimeDirectory } = original;
  const losesDirectory = runtimeDirectory !== null && runtimeDirectory !== 'yes';
  const of = (section: string): string[] =>
    texts.flatMap((text) => settingsOf(text, section)).map((line) => forInstance(line, original));
  return `${[
    mark,
    `# Made from ${unit}: after a change there, the same command makes it anew. Never enable it.`,
    '[Unit]',
    `Description=Candidate %i of ${unit}`,
    ...of('Unit').filter((line) => !/^(Description|StartLimit\w*)=/.test(line)),
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    // StartLimit…= stood in this section once, and still may.
    ...of('Service').filter((line) => !/^(Restart|RestartSec|RestartForceExitStatus|StartLimit\w*)=/.test(line)),
    'Restart=no',
    // When the stand-in goes, the directory is the service's.
    ...(losesDirectory ? ['RuntimeDirectoryPreserve=yes'] : []),
  ].join('\n')}\n`;
}

/** The same setting where the unit has another name, and the build is its instance. */
function forInstance(line: string, { unit, buildsPaths, manager }: Original): string {
  const named = withName(line, unit);
  const home = manager === 'user' ? homedir() : '/root';
  return named.replaceAll(/([^\s"'`:;,=|&<>()]+)\/current(?=\/|[\s"'`:;,|&<>()]|$)/g, (whole, path: string) => {
    // In front of a path: "-" and its like of WorkingDirectory= and ExecStart=.
    const [, , plain = ''] = /^([-@:+!|~]*)(.*)$/.exec(path) ?? [];
    const real = normalize(plain.replaceAll('%h', home).replaceAll('%%', '%')).replace(/(.)\/$/, '$1');
    return buildsPaths.includes(real) ? `${whole.slice(0, -currentName.length)}%i` : whole;
  });
}

/** What `%n` and its like stand for in the service (systemd.unit(5), "Specifiers"); in the template it would be something else. */
function withName(line: string, unit: string): string {
  const name = unit.replace(/\.service$/, '');
  const last = name.slice(name.lastIndexOf('-') + 1);
  const known: Record<string, string> = { '%n': unit, '%N': name, '%p': name, '%P': name, '%j': last, '%J': last };
  return line.replaceAll(/%./g, (specifier) => known[specifier] ?? (/%[iI]/.test(specifier) ? '' : specifier));
}
