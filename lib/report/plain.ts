import type { Colours } from './colour.ts';

/** Every colour as a function that changes nothing: for logs, pipes and files, without loading a package for it. */
export const plainColours = new Proxy({}, { get: () => String }) as Colours;
