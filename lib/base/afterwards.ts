/**
 * Starts a script that goes on once this process is over, however it ends: it waits at a pipe that the kernel closes then. Neither
 * Ctrl-C nor the end of a terminal reaches it. It keeps nobody, and nobody hears what it says.
 * @param script for sh(1); the words are its parameters
 * @returns lets it go on now, and gives its exit code; safe to repeat
 */
export async function afterwards(script: string, ...words: string[]): Promise<() => Promise<number | null>> {
  const { spawn } = await import('node:child_process');
  const waiting = `trap '' HUP INT TERM\nread -r _\n${script}`;
  const child = spawn('sh', ['-c', waiting, 'sh', ...words], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  // Who never asks for it must not be ended by it.
  ended.catch(() => {});
  child.stdin.on('error', () => {});
  child.unref();
  return () => {
    child.ref();
    child.stdin.end();
    return ended;
  };
}
