import { accountOfUser, groupOf } from '../base/accounts.ts';
import { CutoverError, ExitCode } from '../base/errors.ts';
import type { Config, ManagerKind } from '../config/model.ts';
import type { Manual } from '../deployer/init/install/shells.ts';
import type { DeployingAccount } from '../deployer/init/polkit.ts';
import { uninstall } from '../deployer/init/uninstall.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import { openSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Terminal } from './command.ts';
import { type InitFlags, requireUninstallAlone } from './init-options.ts';
import { tellFile, tellReport } from './init-tell.ts';
import { interruptSignal } from './signals.ts';

const noManual: Manual = { completions: { bash: '', zsh: '', fish: '' }, tools: [], pages: {} };

/** What is made from the tables of this version; nothing where it is not to be installed. */
export async function manualFor({ install }: InitFlags): Promise<Manual> {
  if (!install) return noManual;
  const { manualPages } = await import('./manual.ts');
  const { completedTools, completionScript } = await import('./completion/script.ts');
  const { shells } = await import('../base/shells.ts');
  const pages = Object.entries(manualPages).map(([name, page]) => [name, page()]);
  const scripts = shells.map((shell) => [shell, completionScript(shell)]);
  return {
    completions: Object.fromEntries(scripts) as Manual['completions'],
    tools: completedTools,
    pages: Object.fromEntries(pages) as Manual['pages'],
  };
}

/** A receiver without its secret would be started again and again. @throws `config` with what makes one */
export async function requireSecret({ serve }: Config, { install }: InitFlags, { env }: Terminal): Promise<void> {
  if (!install || serve === null || serve.secretFile === null) return;
  const { readWebhookSecret } = await import('../triggers/serve/secret.ts');
  await readWebhookSecret(serve.secretFile, env);
}

/** Who is to deploy without being root; null: nobody was named. @throws `usage` for one that the machine does not know */
export async function granteeOf(options: InitFlags, manager: ManagerKind): Promise<DeployingAccount | null> {
  const { deployUser, group } = options;
  if (deployUser === undefined && group === undefined) return null;
  if (deployUser !== undefined && group !== undefined) {
    throw new CutoverError('usage', '--deploy-user and --group are two ways to say who', {
      mend: 'leave one of them out',
    });
  }
  if (manager === 'user') {
    throw new CutoverError('usage', 'your own manager obeys you: its units need no rule', {
      mend: 'cutover init --install, without --deploy-user and --group',
    });
  }
  return deployUser === undefined ? knownGroup(String(group)) : knownUser(String(deployUser));
}

async function knownUser(user: string): Promise<DeployingAccount> {
  if ((await accountOfUser(user))?.name === user) return { user };
  throw new CutoverError('usage', `there is no user ${user}`, { mend: `useradd --system --create-home ${user}` });
}

async function knownGroup(group: string): Promise<DeployingAccount> {
  if ((await groupOf(group))?.name === group) return { group };
  throw new CutoverError('usage', `there is no group ${group}`, { mend: `groupadd ${group}` });
}

/** Takes back what was installed. */
export async function takeBackInstalled(
  unit: string | undefined,
  options: InitFlags & GlobalOptions,
  terminal: Terminal,
): Promise<number> {
  requireUninstallAlone(options, unit);
  const { manager, file } = await installedFor(options, terminal);
  const isDryRun = options.dryRun === true;
  const report = await uninstall(file, {
    systemd: await openSystemd(manager),
    surroundings: { env: terminal.env, cwd: terminal.cwd },
    signal: interruptSignal(),
    manager,
    isDryRun,
    onFile: (one) => tellFile(one, options, terminal),
  });
  tellReport(report, { options, terminal, isDryRun });
  return ExitCode.done;
}

/** The configuration may be gone, or broken, and what was installed for it is to go all the same. */
async function installedFor(
  options: InitFlags & GlobalOptions,
  { env, cwd }: Terminal,
): Promise<{ manager: ManagerKind; file: string | null }> {
  const explicit = options.config === undefined ? undefined : String(options.config);
  const file = await findConfig({ explicit, env, cwd }).catch(() => null);
  const config = file === null ? null : await loadConfig(file).catch(() => null);
  return { manager: options.user ? 'user' : (config?.manager ?? 'system'), file };
}
