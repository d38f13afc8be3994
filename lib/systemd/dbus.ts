import type { default as Dbus } from 'dbus-next';

export type { Message, MessageBus } from 'dbus-next';

let loading: Promise<typeof Dbus> | undefined;

/** The client library, loaded when first asked for. */
export function loadDbus(): Promise<typeof Dbus> {
  loading ??= load();
  return loading;
}

async function load(): Promise<typeof Dbus> {
  const { default: signatures } = await import('dbus-next/lib/signature.js');
  signatures.parseSignature = remembering(signatures.parseSignature);
  // The modules take the function as they find it when they are loaded.
  return (await import('dbus-next')).default;
}

/**
 * The same function, which parses each signature once: dbus-next has that of a value parsed anew for each property of each unit, and
 * only reads what comes of it.
 */
function remembering(parse: (signature: string) => unknown[]): typeof parse {
  const parsed = new Map<string, unknown[]>();
  return (signature) => {
    const known = parsed.get(signature) ?? parse(signature);
    parsed.set(signature, known);
    return known;
  };
}
