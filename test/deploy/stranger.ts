import { writeFile } from 'node:fs/promises';
import { type Site, until, writeUnit } from './site.ts';

/** Where the program lies. */
export function strangerFile({ builds }: Pick<Site, 'builds'>): string {
  return builds.replace(/builds$/, 'stranger.mjs');
}

/** A program that answers on the site's port as a healthy service does. */
export async function writeStranger(site: Site): Promise<void> {
  const code = `import { createServer } from 'node:http';
createServer((request, response) => response.end('{"status":"healthy"}')).listen(${site.port});
`;
  await writeFile(site.sandbox.hostPath(strangerFile(site)), code);
}

/** Runs it, and gives the name of its unit. */
export async function startStranger(site: Site): Promise<string> {
  await writeStranger(site);
  const unit = `stranger-${site.app}.service`;
  await site.sandbox.run('systemd-run', '--collect', `--unit=${unit}`, process.execPath, strangerFile(site));
  await untilTaken(site);
  return unit;
}

/** From now on the unit's stop hands the port to another service, before systemd calls the stop done. @param more lines of its section [Service] */
export async function stealAtStop(site: Site, more: string[] = []): Promise<string> {
  await writeStranger(site);
  const thief = `thief-${site.app}.service`;
  await writeUnit(site, [...more, `ExecStopPost=-bash -c '${stealing(site, thief)}'`]);
  return thief;
}

/** The command that hands the port to it, and waits until it has it. */
export function stealing(site: Site, thief: string): string {
  const start = `systemd-run --collect --unit=${thief} ${process.execPath} ${strangerFile(site)}`;
  return `${start} && until (exec 3<>/dev/tcp/127.0.0.1/${site.port}); do sleep 0.01; done 2>/dev/null`;
}

/** Somebody listens on the site's port. */
export async function untilTaken({ sandbox, port }: Site): Promise<void> {
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
  await until('the stranger listens', async () => (await sandbox.exec(['bash', '-c', connect])).code === 0);
}

/** The main process of any unit. */
export function mainPid({ sandbox }: Site, unit: string): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=MainPID', '--value', unit);
}
