import type { OptionsOfKind } from '../config/check-options.ts';
import { backupsKind } from './kinds/backups.ts';
import { commandKind } from './kinds/command.ts';
import { envKind } from './kinds/env.ts';
import { fileKind } from './kinds/file.ts';
import { httpKind } from './kinds/http.ts';
import type { Kind } from './kinds/kind.ts';
import { logKind } from './kinds/log.ts';
import { postgresKind } from './kinds/postgres.ts';
import { processesKind } from './kinds/processes.ts';
import { sqliteKind } from './kinds/sqlite.ts';
import { tcpKind } from './kinds/tcp.ts';

/** Every kind of check that the configuration may ask; `config/schema/check-kinds.ts` has their keys. */
export const kinds: { readonly [Name in keyof OptionsOfKind]: Kind<OptionsOfKind[Name]> } = {
  command: commandKind,
  file: fileKind,
  env: envKind,
  http: httpKind,
  tcp: tcpKind,
  processes: processesKind,
  sqlite: sqliteKind,
  postgres: postgresKind,
  log: logKind,
  backups: backupsKind,
};
