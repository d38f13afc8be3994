import { ExitCode } from './base/errors.ts';
import { keepThreadPoolAwake } from './base/thread-pool.ts';
import { commandOfTool, type Terminal } from './cli/command.ts';
import { inColour, openProcess, type OwnProcess } from './cli/process.ts';
import { version } from './version.ts';

/** What was called, and what it is told on, which is known better bit by bit. */
interface Call {
  tool: string;
  words: string[];
  terminal: Terminal;
}

/**
 * Runs one of the executables to its end. The one place where errors are caught, told, and turned into an exit code.
 * @param tool the executable's name
 * @param argv the words after it
 */
export async function main(tool: string, argv: string[]): Promise<void> {
  // Whatever ends this process early, a bus that swallows a call for one, must not look like success.
  process.exitCode = ExitCode.failed;
  keepThreadPoolAwake();
  const command = commandOfTool[tool];
  const words = command ? [command, ...argv] : argv;
  const own = openProcess(words);
  const call: Call = { tool, words, terminal: own.terminal };
  try {
    own.endWith(await answer(call, argv[0], own));
  } catch (error) {
    const { tellError } = await import('./cli/told-error.ts');
    own.endWith(tellError(error, call));
  }
}

/** @param first the first word that was typed @returns the exit code */
async function answer(call: Call, first: string | undefined, own: OwnProcess): Promise<number> {
  const { tool, words } = call;
  call.terminal = await inColour(call.terminal, words);
  // The most frequent question needs no parser, which takes longer to load than Node to start.
  if (first === '--version' || first === '-v') {
    call.terminal.print(`cutover ${version}`);
    return ExitCode.done;
  }
  const { parse } = await import('./cli/parse.ts');
  const request = parse(words, tool);
  if (request.kind === 'text') {
    call.terminal.print(request.text);
    return ExitCode.done;
  }
  const { tellingAsTyped } = await import('./cli/as-typed.ts');
  call.terminal = tellingAsTyped(call.terminal, request);
  const { endAtDefect } = await import('./cli/told-error.ts');
  endAtDefect(call, own);
  const { run } = await request.row.load();
  return run(request.words, request.options as never, call.terminal);
}
