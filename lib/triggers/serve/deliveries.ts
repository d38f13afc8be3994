import { changedNothing, type Ended, type ServeRequest } from './request.ts';

interface Known {
  request: ServeRequest;
  /** resolves once the request would survive anything */
  written: Promise<ServeRequest>;
}

/** The deliveries that requests came from, by their digests: one that is known is not taken a second time. */
export interface Deliveries {
  /** The request that came of one of these; undefined: none that counts. */
  find(keys: readonly string[]): Promise<ServeRequest> | undefined;
  remember(request: ServeRequest, written: Promise<ServeRequest>): void;
  /** To be called before anybody can see how it ended: where it changed nothing, it may be delivered again at once. */
  judge(request: ServeRequest, ended: Ended): void;
  /** Whoever delivers it again delivers for the first time. */
  forget(request: ServeRequest): void;
}

export function openDeliveries(): Deliveries {
  const byKey = new Map<string, Known>();
  const forget = (request: ServeRequest): void => {
    // A later one of the same delivery keeps its own.
    for (const key of request.keys) if (byKey.get(key)?.request === request) byKey.delete(key);
  };
  return {
    find: (keys) => keys.map((key) => byKey.get(key)).find((one) => one !== undefined)?.written,
    remember(request, written) {
      // What was accepted and not done has to be taken when it comes again, as from a person who mended the cause.
      if (changedNothing(request)) return;
      for (const key of request.keys) byKey.set(key, { request, written });
    },
    judge(request, ended) {
      if (changedNothing(ended)) forget(request);
    },
    forget,
  };
}
