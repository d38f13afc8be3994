import type { default as Dbus } from 'dbus-next';

export type { Message, MessageBus } from 'dbus-next';

/** The client library, loaded when first asked for. */
export async function loadDbus(): Promise<typeof Dbus> {
  await rememberSignatures();
  return (await import('dbus-next')).default;
}

let isRemembering = false;

/**
 * Has each signature parsed once: dbus-next parses that of a value anew for each property of each unit, and only reads what comes of
 * it. Its modules take the function as they find it when they are loaded.
 */
async function rememberSignatures(): Promise<void> {
  if (isRemembering) return;
  isRemembering = true;
  const { default: signatures } = await import('dbus-next/lib/signature.js');
  const { parseSignature } = signatures;
  const parsed = new Map<string, unknown[]>();
  signatures.parseSignature = (signature) => {
    const known = parsed.get(signature) ?? parseSignature(signature);
    parsed.set(signature, known);
    return known;
  };
}
