import { userInfo } from 'node:os';
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
  return `sudo cutover init --install --deploy-user ${nameOfSelf()} (a polkit rule that allows it), or run this with sudo`;
}

/** Who runs this, by name where there is one. */
export function nameOfSelf(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
