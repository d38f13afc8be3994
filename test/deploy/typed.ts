import { startFed } from '../../lib/base/exec.ts';
import { commandInside } from '../../lib/sandbox/inside.ts';
import type { TestSandbox } from '../sandboxed.ts';
import { executable } from './site.ts';

/** Ctrl-C and Ctrl-D, which no line end follows. */
export const [ctrlC, ctrlD] = ['\u0003', '\u0004'];

/**
 * Runs `cutover WORDS` on a terminal of its own (script(1)), and answers each question once it is asked.
 * @param question what every question ends with
 */
export async function typeAnswers(
  sandbox: TestSandbox,
  words: string,
  { answers, question }: { answers: readonly string[]; question: RegExp },
): Promise<{ code: number | null; said: string }> {
  const command = `${process.execPath} ${executable('cutover')} ${words}`;
  const env = { TERM: 'dumb', NO_COLOR: '1' };
  const inside = commandInside(sandbox.pid, ['script', '-qec', command, '/dev/null'], { cwd: '/', env });
  const child = await startFed(inside, {});
  let said = '';
  let asked = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
    const questions = said.match(question)?.length ?? 0;
    for (; asked < questions; asked += 1) {
      const answer = answers[asked] ?? '';
      child.stdin.write(answer === ctrlC || answer === ctrlD ? answer : `${answer}\n`);
    }
  });
  const { code } = await child.ended;
  return { code, said };
}
