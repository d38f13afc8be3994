import { commandsFrom } from '../../../systemd/commands.ts';
import { type Moving, pathAt, placesIn } from './naming.ts';

/** A place in a unit at which the old directory is named, as systemd has read it. */
export interface Named {
  /** as it is called in the unit's file */
  setting: string;
  path: string;
}

const commands = /^Exec(Condition|Start(Pre|Post)?|Reload|Stop(Post)?)$/;
/** The directory itself and what follows from it, the same commands told twice, and words that lead nobody there. */
const leftOut =
  /^(WorkingDirectory|RequiresMountsFor|Exec\w+Ex|SyslogIdentifier|Description|Documentation|FragmentPath|SourcePath|DropInPaths|StatusText|LoadError)$/;

/**
 * Where a unit names the old directory. In its files a specifier may hide that, as in `%h/app`; on the bus all of them are filled in.
 * @param properties what systemd tells of the unit
 */
export function namedOnBus(properties: ReadonlyMap<string, unknown>, moving: Moving): Named[] {
  return [...properties].flatMap(([name, value]) =>
    leftOut.test(name)
      ? []
      : wordsOf(name, value).flatMap(([setting, word]) =>
          placesIn(word, moving).map((at) => ({ setting, path: pathAt(word, at) })),
        ),
  );
}

function wordsOf(name: string, value: unknown): [setting: string, word: string][] {
  if (commands.test(name)) {
    return commandsFrom(value).flatMap(({ argv }) => argv.map((word): [string, string] => [name, word]));
  }
  if (name === 'Conditions' || name === 'Asserts') {
    return (value as [string, boolean, boolean, string][]).map(([kind, , , word]) => [kind, word]);
  }
  const setting = name === 'EnvironmentFiles' ? 'EnvironmentFile' : name;
  return [value]
    .flat(Number.POSITIVE_INFINITY)
    .flatMap((word): [string, string][] => (typeof word === 'string' ? [[setting, word]] : []));
}
