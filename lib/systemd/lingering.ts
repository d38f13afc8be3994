import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagerKind } from '../config/model.ts';
import { nameOfSelf } from './typed.ts';

/** Where logind keeps who lingers: an empty file named after each user (loginctl(1)). */
const directory = '/var/lib/systemd/linger';

/** What a user of the own manager has to be told: without lingering systemd ends it, and all its units, with the last session. Null: nothing. */
export function lingerNote(manager: ManagerKind): string | null {
  if (manager === 'system') return null;
  const user = nameOfSelf();
  if (existsSync(join(directory, user))) return null;
  return `your units run only while you are logged in, and not at boot: loginctl enable-linger ${user}`;
}
