import type { Redact } from '../base/redactor.ts';
import { loadConfig } from '../config/load.ts';
import type { TargetConfig } from '../config/model.ts';
import { redact, redacted } from '../config/secrets.ts';
import type { RunInputs } from './inputs.ts';

/** Below these keys people write sentences of their own, which may repeat a secret; elsewhere a weak password may be a word of ours. */
const freeText = new Set(['run', 'fallback', 'environment', 'urls', 'standinUrl', 'url', 'query']);

/**
 * Inputs as a ledger keeps them: what is secret stays in the configuration.
 * @param hide takes the secrets that are known out of a text: a command may repeat one under a name that says nothing
 */
export function withoutSecrets(inputs: RunInputs, hide: Redact = (text) => text): RunInputs {
  const target = hidden(redact('target', inputs.target), hide, false);
  return { ...inputs, target: target as TargetConfig };
}

function hidden(value: unknown, hide: Redact, isFree: boolean): unknown {
  if (typeof value === 'string') return isFree ? hide(value) : value;
  if (Array.isArray(value)) return value.map((item) => hidden(item, hide, isFree));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, hidden(item, hide, isFree || freeText.has(key))]));
}

/**
 * The inputs that a ledger kept, with the secrets of the configuration file that they came from.
 * @returns `missing`: where a secret is not known any more, because the file is gone, hidden or says something else now
 */
export async function withSecrets(kept: RunInputs): Promise<{ inputs: RunInputs; missing: string[] }> {
  if (!JSON.stringify(kept.target).includes(redacted)) return { inputs: kept, missing: [] };
  const missing: string[] = [];
  const target = fill(kept.target, await configuredTarget(kept), { path: '', name: 'target', missing });
  return { inputs: { ...kept, target: target as TargetConfig }, missing };
}

async function configuredTarget({ configFile, target }: RunInputs): Promise<TargetConfig | undefined> {
  const config = configFile ? await loadConfig(configFile).catch(() => null) : null;
  return config?.targets[target.name];
}

/** A value of the file is taken where it says what was kept, with anything in place of what was hidden. */
function fill(
  kept: unknown,
  known: unknown,
  { path, name, missing }: { path: string; name: string; missing: string[] },
): unknown {
  if (typeof kept === 'string') {
    if (!kept.includes(redacted)) return kept;
    if (typeof known === 'string' && isFitting(known, kept)) return known;
    missing.push(path);
    return kept;
  }
  if (typeof kept !== 'object' || kept === null) return kept;
  const others = Object(known) as Record<string, unknown>;
  const entries = Object.entries(kept).map(([key, value]): [string, unknown] => {
    const at = { path: path === '' ? key : `${path}.${key}`, name: Array.isArray(kept) ? name : key, missing };
    return [key, fill(value, others[key], at)];
  });
  return Array.isArray(kept) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** Whether all that was kept of a text stands in it, in that order. */
function isFitting(text: string, kept: string): boolean {
  const [first = '', ...pieces] = kept.split(redacted);
  const last = pieces.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at + 1);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at < end;
}
