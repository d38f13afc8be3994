import { loadConfig } from '../config/load.ts';
import type { TargetConfig } from '../config/model.ts';
import { redact, redacted } from '../config/secrets.ts';
import type { RunInputs } from './inputs.ts';

/** Inputs as a ledger keeps them: what is secret stays in the configuration. */
export function withoutSecrets(inputs: RunInputs): RunInputs {
  return { ...inputs, target: redact('target', inputs.target) as TargetConfig };
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

/** A value of the file is taken where hiding its secrets gives what was kept: then it is the same value. */
function fill(
  kept: unknown,
  known: unknown,
  { path, name, missing }: { path: string; name: string; missing: string[] },
): unknown {
  if (typeof kept === 'string') {
    if (!kept.includes(redacted)) return kept;
    if (typeof known === 'string' && (kept === redacted || redact(name, known) === kept)) return known;
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
