import { ExitCode, isCutoverError, messageOf } from './base/errors.ts';
import { commandOfTool, type Terminal } from './cli/command.ts';
import { defect } from './cli/defect.ts';
import { endWith, openTerminal } from './cli/process.ts';
import { version } from './version.ts';

/**
 * Runs one of the executables to its end. The one place where errors are caught, told, and turned into an exit code.
 * @param tool the executable's name
 * @param argv the words after it
 */
export async function main(tool: string, argv: string[]): Promise<void> {
  // Whatever ends this process early, a bus that swallows a call for one, must not look like success.
  process.exitCode = ExitCode.failed;
  const command = commandOfTool[tool];
  const words = command ? [command, ...argv] : argv;
  let terminal = await openTerminal(words);
  try {
    // The most frequent question needs no parser, which takes longer to load than Node to start.
    if (argv[0] === '--version' || argv[0] === '-v') {
      terminal.print(`cutover ${version}`);
      return await endWith(ExitCode.done);
    }
    const { parse } = await import('./cli/parse.ts');
    const request = parse(words, tool);
    if (request.kind === 'text') {
      terminal.print(request.text);
      return await endWith(ExitCode.done);
    }
    const { tellingAsTyped } = await import('./cli/as-typed.ts');
    terminal = tellingAsTyped(terminal, request);
    const { run } = await request.row.load();
    return await endWith(await run(request.words, request.options as never, terminal));
  } catch (error) {
    return await endWith(await tellError(error, words, terminal));
  }
}

/** @returns the exit code that it leads to */
async function tellError(error: unknown, words: string[], terminal: Terminal): Promise<number> {
  // What was thrown before a place was there has nobody to say which words are secrets: addresses go by how they look.
  const { redactText } = await import('./config/secrets.ts');
  const { code, mend: told, exitCode } = isCutoverError(error) ? error : defect;
  const [message, mend] = [redactText(messageOf(error)), told === undefined ? null : redactText(told)];
  if (words.includes('--json')) {
    terminal.print(JSON.stringify({ error: { code, message, mend }, exit_code: exitCode }));
  }
  terminal.complain(`cutover: ${message}\n${mend ? `  -> ${mend}\n` : ''}`);
  // Not before it is wanted: V8 looks through the whole program to say which line is which.
  const stack = words.includes('--verbose') ? (error as Error).stack : undefined;
  if (stack) terminal.complain(`${redactText(stack)}\n`);
  return exitCode;
}
