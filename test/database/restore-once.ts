import type { RestoreRequest } from '../../lib/database/restore.ts';
import { restoreBackup } from '../../lib/database/restore.ts';

// A process of its own, for a test that kills it.
const request = JSON.parse(process.argv[2] ?? '') as Omit<RestoreRequest, 'signal'>;
await restoreBackup({ ...request, signal: new AbortController().signal });
