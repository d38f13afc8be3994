import { userInfo } from 'node:os';
import { shellLine } from '../base/shell-words.ts';
import { formerRootsDirectories } from '../base/former-root.ts';
import type { ManagerKind } from '../config/model.ts';

/** The command for a person to type, to the manager that a unit belongs to: "systemctl --user stop app.service". */
export function systemctl(manager: ManagerKind, words: string): string {
  return manager === 'user' ? `systemctl --user ${words}` : `systemctl ${words}`;
}

/** The command that shows a person what a unit wrote last. */
export function journalctl(manager: ManagerKind, unit: string): string {
  return manager === 'user' ? `journalctl --user -u ${unit} -n 50` : `journalctl -u ${unit} -n 50`;
}

/** What to type so that whoever runs this may do to the units of the configuration what a run does. */
export function mendRefusal(): string {
  const rule = `cutover init --install --deploy-user ${nameOfSelf()} (a polkit rule that allows it)`;
  return `${formerRootsDirectories() === null ? `sudo ${rule}` : rule}, or ${mendAsRoot()}`;
}

/** What to type for root's rights: whoever typed this as root has given them up for whose the state is. */
export function mendAsRoot(): string {
  const owned = formerRootsDirectories();
  if (owned === null) return 'run this with sudo';
  return `take back what is ${nameOfSelf()}'s: ${shellLine(['chown', '-R', 'root:', ...owned])}`;
}

/** Who runs this, by name where there is one. */
export function nameOfSelf(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
