import type { TestSandbox } from '../sandboxed.ts';
import { runInside } from '../systemd/inside.ts';
import type { Address } from './answering.ts';

/** A port that nobody listens on of the sandbox's loopback, which is its own. */
export async function freePortInside(sandbox: TestSandbox): Promise<number> {
  return (await callInside(sandbox, 'free-port.ts', 'freePort()')) as number;
}

/** Waits until somebody answers in there. @throws when nobody does in 25 s */
export async function untilAnsweringInside(sandbox: TestSandbox, address: Address): Promise<void> {
  await callInside(sandbox, 'answering.ts', `untilAnswering(${JSON.stringify(address)})`);
}

function callInside(sandbox: TestSandbox, file: string, call: string): Promise<unknown> {
  const module = new URL(file, import.meta.url).href;
  const code = `const doors = await import(${JSON.stringify(module)});
    console.log(JSON.stringify((await doors.${call}) ?? null));`;
  return runInside(sandbox, code);
}
