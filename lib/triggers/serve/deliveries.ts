import { cameToNothing, type ServeRequest } from './request.ts';

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
  /** Whoever delivers it again delivers for the first time. */
  forget(request: ServeRequest): void;
}

export function openDeliveries(): Deliveries {
  const byKey = new Map<string, Known>();
  return {
    find: (keys) => keys.map((key) => byKey.get(key)).find((one) => one !== undefined)?.written,
    remember(request, written) {
      // What was accepted and never done has to be taken when it comes again.
      if (cameToNothing(request)) return;
      for (const key of request.keys) byKey.set(key, { request, written });
    },
    forget(request) {
      // A later one of the same delivery keeps its own.
      for (const key of request.keys) if (byKey.get(key)?.request === request) byKey.delete(key);
    },
  };
}
