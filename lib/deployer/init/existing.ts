import { CutoverError, isCutoverError, messageOf } from '../../base/errors.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import { type Draft, draftTarget } from '../../config/template.ts';

/** What would have been written, and where. */
export interface Wanted {
  path: string;
  draft: Draft;
  config: Config;
}

/** Why the configuration that is there is not replaced, and what to do instead. */
export async function existingConfig(wanted: Wanted): Promise<CutoverError> {
  const { path, draft, config } = wanted;
  const there = await loadConfig(path).catch((error: unknown) => {
    if (!isCutoverError(error, 'config')) throw error;
    return error;
  });
  if (there instanceof CutoverError) {
    const what = `${path} is there already, and is no configuration that can be read: ${firstLine(messageOf(there))}`;
    return refusal(what, `cutover config --check --config ${path}; ${aside(path)}`);
  }
  if (there.manager !== config.manager) {
    const [theirs, ours] = [there.manager, config.manager].map((manager) => managers[manager]);
    return refusal(`${path} is for units of ${theirs}, and ${unitOf(wanted)} is one of ${ours}`, fileOfItsOwn(wanted));
  }
  return (
    clash(wanted, Object.values(there.targets)) ??
    refusal(`${path} is there already, and has no target ${draft.target} yet`, addition(path, draft))
  );
}

const managers = { system: "the system's manager", user: "a user's own manager" };

/** A target that is there and would not go with ours; that it is the same unit's says most. */
function clash(wanted: Wanted, others: TargetConfig[]): CutoverError | undefined {
  const { path, draft, config } = wanted;
  const { unit, builds } = config.targets[draft.target] as TargetConfig;
  const same = others.find((other) => other.unit === unit);
  if (same) {
    const mend = `keep it, and type: cutover check ${same.name} --config ${path}; ${aside(path)}`;
    return refusal(`${path} is there already, with ${unit} as its target ${same.name}`, mend);
  }
  const named = others.find((other) => other.name === draft.target);
  if (named) {
    const mend = `cutover init ${unit} --target ANOTHER-NAME; or, for other software, ${fileOfItsOwn(wanted)}`;
    return refusal(`${path} has a target ${named.name} already, for ${named.unit}`, mend);
  }
  const sharing = others.find((other) => other.builds === builds);
  const mend = `give ${unit} a builds directory of its own: there is one link current in each`;
  return sharing && refusal(`${builds} belongs to the target ${sharing.name} of ${path}`, mend);
}

function refusal(what: string, mend: string): CutoverError {
  return new CutoverError('refused', `${what}; nothing was written`, { mend });
}

function unitOf({ config, draft }: Wanted): string {
  return config.targets[draft.target]?.unit ?? '';
}

function fileOfItsOwn(wanted: Wanted): string {
  return `a file of its own: cutover init ${unitOf(wanted)} --output FILE`;
}

function aside(path: string): string {
  return `to begin anew: mv ${path} ${path}.saved`;
}

function addition(path: string, draft: Draft): string {
  const lines = draftTarget(draft).split('\n');
  return [`add these lines to ${path}, then: cutover check ${draft.target} --config ${path}`, '', ...lines].join(
    '\n     ',
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
