import type { ManagerKind } from '../config/model.ts';

/** The command for a person to type, to the manager that a unit belongs to: "systemctl --user stop app.service". */
export function systemctl(manager: ManagerKind, words: string): string {
  return manager === 'user' ? `systemctl --user ${words}` : `systemctl ${words}`;
}

/** The command that shows a person what a unit wrote last. */
export function journalctl(manager: ManagerKind, unit: string): string {
  return manager === 'user' ? `journalctl --user -u ${unit} -n 50` : `journalctl -u ${unit} -n 50`;
}
