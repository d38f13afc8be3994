import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { atEnd } from './suite.ts';

export type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const executable = '/usr/bin/chromium';
/** A loaded machine takes its time. */
const startMs = 120_000;

/**
 * Starts the one browser of a test file; the file's end ends it.
 * @param sandboxPid the system manager of the sandbox in whose network it is to be; default: the machine's own
 */
export async function openBrowser(sandboxPid?: number): Promise<Browser> {
  await access(executable).catch(() => {
    throw new Error(`there is no ${executable}, which shows the page: apt-get install chromium`);
  });
  const folder = await mkdtemp(join(tmpdir(), 'cutover-browser-'));
  // Its last processes may write there a moment longer than it lives; what they leave is no failure of a test.
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }).catch(() => {}));
  const executablePath = sandboxPid === undefined ? executable : await launcherInto(sandboxPid, folder);
  // A container's /dev/shm is small, and root has no sandbox of Chromium's own.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-proxy-server'];
  const browser = await chromium.launch({
    executablePath,
    args,
    timeout: startMs,
    env: { ...process.env, HOME: folder },
  });
  atEnd(() => browser.close());
  return browser;
}

/** The sandbox's network alone: files and processes stay the machine's, so that the browser needs nothing inside. */
async function launcherInto(pid: number, folder: string): Promise<string> {
  const path = join(folder, 'chromium');
  await writeFile(path, `#!/bin/sh\nexec nsenter --target=${pid} --net -- ${executable} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
