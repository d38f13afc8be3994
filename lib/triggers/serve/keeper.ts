import { messageOf } from '../../base/errors.ts';
import { sleep } from '../../base/wait.ts';
import type { ServeRequest } from './request.ts';
import type { Store } from './store.ts';

const retryMs = 2_000;

export interface KeeperParts {
  store: Pick<Store, 'write'>;
  /** ends the wait for a disk that is full */
  signal: AbortSignal;
  tell: (priority: number, line: string) => void;
}

/** Puts requests on the disk, and knows which of them wait for it. */
export class Keeper {
  readonly #parts: KeeperParts;
  /** what keeps a change from the disk, as long as it is tried again: whether a new one could be kept is for the health to try */
  readonly #waiting = new Map<ServeRequest, string>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** what is wrong, in a sentence; null: nothing */
  problem(): string | null {
    return [...this.#waiting.values()][0] ?? null;
  }

  /** @throws `disk`, `permission` */
  write(request: ServeRequest): Promise<void> {
    return this.#parts.store.write(request);
  }

  /**
   * Changes a request, and returns once that is on the disk. A disk that is full for a while must not lose what happened: it is
   * written as soon as it can be.
   * @throws the signal's reason
   */
  async change(request: ServeRequest, changes: Partial<ServeRequest>): Promise<void> {
    Object.assign(request, changes);
    for (;;) {
      try {
        await this.write(request);
        this.#waiting.delete(request);
        return;
      } catch (error) {
        this.#waiting.set(request, `requests cannot be kept: ${messageOf(error)}`);
        this.#parts.tell(3, `the queue cannot be written: ${messageOf(error)}`);
        await sleep(retryMs, this.#parts.signal);
      }
    }
  }
}
