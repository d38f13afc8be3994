import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory, readIfThere, removeIfThere, writeDurably } from '../../base/files.ts';
import { isTemporaryName } from '../../base/temporary-name.ts';
import { isRequestId, type ServeRequest } from './request.ts';

/** The requests on the disk, one file each. */
export interface Store {
  readonly directory: string;
  /** as they were when the receiver began, by their order */
  readonly found: ServeRequest[];
  /** Returns once it would survive a power cut. @throws `disk`, `permission` */
  write(request: ServeRequest): Promise<void>;
  remove(request: ServeRequest): Promise<void>;
}

/**
 * Opens the queue's directory and reads what is there; what cannot be read as a request is left where it is.
 * @throws `permission`, `disk`
 */
export async function openStore(directory: string): Promise<Store> {
  await makePrivateDirectory(directory);
  const pathOf = ({ id }: ServeRequest): string => join(directory, `${id}.json`);
  const names = await readdir(directory);
  for (const name of names.filter(isTemporaryName)) await removeIfThere(join(directory, name));
  const found: ServeRequest[] = [];
  for (const name of names.filter((one) => isRequestId(one.replace(/\.json$/, '')))) {
    const request = parsed(await readIfThere(join(directory, name)));
    if (request) found.push(request);
  }
  return {
    directory,
    found: found.toSorted((a, b) => a.seq - b.seq),
    async write(request) {
      // Whoever cleaned up too much must not stop it for good.
      await makePrivateDirectory(directory);
      await writeDurably(pathOf(request), `${JSON.stringify(request)}\n`);
    },
    remove: (request) => removeIfThere(pathOf(request)),
  };
}

function parsed(text: string | null): ServeRequest | null {
  try {
    const value = JSON.parse(text ?? '') as Partial<ServeRequest>;
    const isWhole = isRequestId(value.id ?? '') && typeof value.target === 'string' && Number.isInteger(value.seq);
    return isWhole && Array.isArray(value.keys) ? (value as ServeRequest) : null;
  } catch {
    return null;
  }
}
