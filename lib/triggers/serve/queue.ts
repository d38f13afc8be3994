import { messageOf } from '../../base/errors.ts';
import { sleep } from '../../base/wait.ts';
import { type Deliveries, openDeliveries } from './deliveries.ts';
import { Keeper } from './keeper.ts';
import type { Launch } from './launch.ts';
import { type Asked, cameToNothing, newRequest, now, type ServeRequest, supersededBy } from './request.ts';
import type { Store } from './store.ts';

export interface Accepted {
  request: ServeRequest;
  /** the same delivery was accepted before, and this is that one */
  isReplay: boolean;
}

/** The requests that wait, run and ran: one at a time on a target, and the latest that waits is the one that comes next. */
export interface Queue {
  /** Takes up what a receiver before this one left. */
  begin(): void;
  /** Returns once the request would survive anything. @throws `disk`, `permission` */
  add(asked: Asked): Promise<Accepted>;
  find(id: string): ServeRequest | null;
  /** those that wait or run, in their order */
  open(): ServeRequest[];
  /** the last request of each target, where that came to nothing */
  nothings(): ServeRequest[];
  /** what is wrong with the state that is kept, in a sentence; null: nothing */
  problem(): string | null;
  /** Resolves when nothing here is at work any more; call it once the signal is aborted. */
  ended(): Promise<void>;
}

/** So many ended requests are remembered, and with them the deliveries that they came from. */
const mostKept = 1_000;
const retryMs = 2_000;

export interface QueueParts {
  store: Store;
  launch: Launch;
  /** aborted when the receiver is to end: what runs goes on without it, what waits is found again */
  signal: AbortSignal;
  tell: (priority: number, line: string) => void;
  /** told of a request that came to nothing, once that is on the disk */
  onNothing: (request: ServeRequest) => void;
}

/** The queue as it was left; only what is added makes it work before `begin`. */
export function openQueue(parts: QueueParts): Queue {
  return new RequestQueue(parts);
}

class RequestQueue implements Queue {
  readonly #parts: QueueParts;
  readonly #all = new Map<string, ServeRequest>();
  /** not on the disk yet */
  readonly #unwritten = new Set<ServeRequest>();
  readonly #deliveries: Deliveries = openDeliveries();
  readonly #workers = new Map<string, Promise<void>>();
  readonly #keeper: Keeper;
  #seq = 0;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#keeper = new Keeper(parts);
    for (const request of parts.store.found) this.#remember(request, Promise.resolve(request));
    this.#seq = parts.store.found.at(-1)?.seq ?? 0;
  }

  begin(): void {
    for (const target of new Set(this.open().map((request) => request.target))) this.#work(target);
  }

  async add(asked: Asked): Promise<Accepted> {
    const known = this.#deliveries.find(asked.keys);
    if (known) return { request: await known, isReplay: true };
    this.#seq += 1;
    const request = newRequest(asked, this.#seq);
    this.#unwritten.add(request);
    const written = this.#keeper.write(request).then(() => request);
    this.#remember(request, written);
    try {
      await written;
    } catch (error) {
      // Nobody was told of it: whoever asks once more asks for the first time.
      this.#forget(request);
      throw error;
    } finally {
      this.#unwritten.delete(request);
    }
    this.#work(asked.target);
    await this.#forgetOldest();
    return { request, isReplay: false };
  }

  find(id: string): ServeRequest | null {
    const request = this.#all.get(id);
    return request && !this.#unwritten.has(request) ? request : null;
  }

  open(): ServeRequest[] {
    const all = [...this.#all.values()].filter((request) => !this.#unwritten.has(request));
    return all.filter(({ state }) => state === 'queued' || state === 'running').toSorted((a, b) => a.seq - b.seq);
  }

  nothings(): ServeRequest[] {
    const last = new Map<string, ServeRequest>();
    for (const one of this.#all.values()) if (one.seq > (last.get(one.target)?.seq ?? 0)) last.set(one.target, one);
    return [...last.values()].filter(cameToNothing);
  }

  problem(): string | null {
    return this.#keeper.problem();
  }

  async ended(): Promise<void> {
    await Promise.all(this.#workers.values());
  }

  #remember(request: ServeRequest, written: Promise<ServeRequest>): void {
    // Whoever adds it is told; a replay that nobody sent needs no answer.
    written.catch(() => {});
    this.#all.set(request.id, request);
    this.#deliveries.remember(request, written);
  }

  #forget(request: ServeRequest): void {
    this.#all.delete(request.id);
    this.#deliveries.forget(request);
  }

  #work(target: string): void {
    if (this.#workers.has(target)) return;
    const { signal, tell } = this.#parts;
    const worker = this.#workOn(target)
      .catch(async (error: unknown) => {
        if (signal.aborted) return;
        tell(3, `the queue of ${target} stopped: ${messageOf(error)}`);
        await sleep(retryMs, signal).catch(() => {});
      })
      .finally(() => {
        this.#workers.delete(target);
        // One that came while the worker was about to end found it still there.
        const isLeft = this.open().some((request) => request.target === target);
        if (isLeft && !signal.aborted) this.#work(target);
      });
    this.#workers.set(target, worker);
  }

  async #workOn(target: string): Promise<void> {
    const { signal, launch, tell } = this.#parts;
    for (let next = await this.#next(target); next; next = await this.#next(target)) {
      signal.throwIfAborted();
      if (next.state === 'queued') await this.#keeper.change(next, { state: 'running', started_at: now() });
      tell(6, `${next.id}: ${target} is being deployed${next.revision ? ` for ${next.revision}` : ''}`);
      const ended = { state: 'done' as const, ...(await launch(next)) };
      this.#deliveries.judge(next, ended);
      await this.#keeper.change(next, { ...ended, ended_at: now() });
      if (cameToNothing(next)) this.#tellNothing(next);
      else tell(ended.exit_code === 0 ? 6 : 4, `${next.id}: ${target}: ${ended.outcome}`);
    }
  }

  #tellNothing(request: ServeRequest): void {
    const { tell, onNothing } = this.#parts;
    tell(
      3,
      `${request.id}: the push to ${request.target} came to nothing: ${request.error?.message ?? request.outcome}`,
    );
    onNothing(request);
  }

  /** What was running when another receiver ended comes first; of those that wait, the latest, in whose place the others go. */
  async #next(target: string): Promise<ServeRequest | null> {
    const open = this.open().filter((request) => request.target === target);
    const running = open.find(({ state }) => state === 'running');
    if (running) return running;
    const latest = open.at(-1) ?? null;
    for (const request of open)
      if (request !== latest && latest) await this.#keeper.change(request, supersededBy(latest.id)).catch(() => {});
    return latest;
  }

  async #forgetOldest(): Promise<void> {
    if (this.#all.size <= mostKept) return;
    const old = [...this.#all.values()]
      .filter(({ state }) => state === 'done' || state === 'superseded')
      .toSorted((a, b) => a.seq - b.seq);
    for (const request of old.slice(0, this.#all.size - mostKept)) {
      this.#forget(request);
      await this.#parts.store.remove(request).catch(() => {});
    }
  }
}
