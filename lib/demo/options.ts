import type { Command } from '../base/exec.ts';
import type { Colours } from '../report/colour.ts';

/** What the demo needs to know, and where it tells what happens. */
export interface DemoOptions {
  /** the folder of the product, visible inside */
  product: string;
  /** the command line of the product, which runs inside */
  cutover: Command;
  tell: (text: string) => void;
  colours: Colours;
  isLive: boolean;
  columns: () => number;
  signal: AbortSignal;
}
