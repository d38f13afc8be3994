import { rm, writeFile } from 'node:fs/promises';
import type { TestContext } from '../suite.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';

/** Lines that a service behind a socket needs: a start limit that is hit would close the shared port. */
const noLimit = 'StartLimitIntervalSec=0';
/** A client that stands still between its connection and its request is waited for. */
const patient = 'Environment=IDLE_PAUSE_MS=5000';

/**
 * The same with a template for stand-ins, and the strategy `overlap`.
 */
export async function makeOverlapSite(t: TestContext, options: SiteOptions = {}): Promise<SocketSite> {
  return makeSocketSite(t, options, 'overlap');
}

interface SocketSite extends Site {
  socket: string;
}

/** A site whose port belongs to a socket unit; its first build is deployed. */
export async function makeSocketSite(
  t: TestContext,
  options: SiteOptions = {},
  strategy: 'socket' | 'overlap' = 'socket',
): Promise<SocketSite> {
  const { isDeployed = true, ...others } = options;
  const keys = [`strategy = "${strategy}"`, ...(options.keys ?? [])];
  const site = await makeSite(t, { ...others, keys, isDeployed: false });
  const { sandbox, app, unit, port } = site;
  const socket = `${app}.socket`;
  const path = sandbox.hostPath(`/etc/systemd/system/${socket}`);
  await writeFile(path, `[Socket]\nListenStream=127.0.0.1:${port}\nBacklog=4096\nTriggerLimitIntervalSec=0\n`);
  const dropIn = sandbox.hostPath(`/etc/systemd/system/${unit}.d`);
  await sandbox.run('mkdir', '-p', `/etc/systemd/system/${unit}.d`);
  await writeFile(
    `${dropIn}/socket.conf`,
    `[Unit]\n${noLimit}\nRequires=${socket}\nAfter=${socket}\n[Service]\nNonBlocking=yes\n${patient}\n`,
  );
  if (strategy === 'overlap') await writeStandIn(t, site, { socket, service: others.service ?? [] });
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', `${app}-next@*.service`]);
    await sandbox.exec(['systemctl', 'stop', socket]);
    await rm(path, { force: true });
    await rm(dropIn, { recursive: true, force: true });
  });
  await sandbox.run('systemctl', 'start', socket);
  if (isDeployed) {
    const { code, stderr } = await site.call('deploy');
    if (code !== 0) throw new Error(`the first deploy failed: ${stderr}`);
  }
  return { ...site, socket };
}

async function writeStandIn(
  t: TestContext,
  { sandbox, app, builds }: Site,
  { socket, service }: { socket: string; service: string[] },
): Promise<void> {
  const path = sandbox.hostPath(`/etc/systemd/system/${app}-next@.service`);
  t.cleanup(() => rm(path, { force: true }));
  await writeFile(
    path,
    `[Unit]
${noLimit}
[Service]
Type=exec
Sockets=${socket}
WorkingDirectory=${builds}/%i
ExecStart=${process.execPath} app.mjs
NonBlocking=yes
${patient}
Restart=no
TimeoutStopSec=10
KillMode=mixed
${service.map((line) => `${line}\n`).join('')}`,
  );
}
