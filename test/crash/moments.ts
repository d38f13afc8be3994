import type { ProcessRecord } from './orders.ts';

export type Moments = ProcessRecord['passed'];

/** The moments from the first start of the candidate on: until then a bad build's deploy is like that of a good one. */
export function fromStartOn(moments: Moments): Moments {
  return moments.slice(placeOf(moments, /^step (start|restart|stand-in) intended$/));
}

/** The moments from the first step on: until then a run has changed nothing. */
export function fromFirstStepOn(moments: Moments): Moments {
  return moments.slice(placeOf(moments, / intended$/));
}

/** The moments from before the link moves to the end. */
export function fromSwapOn(moments: Moments): Moments {
  return moments.slice(placeOf(moments, /^step swap intended$/));
}

/** The moments from when a run has written why it failed to when it writes that it is over. */
export function onWayBack(moments: Moments): Moments {
  return untilOver(moments).slice(placeOf(moments, /^failure$/));
}

/** The moments until a run writes that it is over. */
export function untilOver(moments: Moments): Moments {
  return moments.slice(0, placeOf(moments, /^outcome$/));
}

/**
 * The lines but those between the candidate's stop and the outcome: what went wrong is over by then, so what happens
 * there is the same whatever the candidate did.
 */
export function linesOfItsOwn(moments: Moments): Moments {
  const [stopped, over] = [placeOf(moments, /^step (start|swap|stand-in) reverted$/), placeOf(moments, /^outcome$/)];
  return linesOf(moments.filter((_, place) => place < stopped || place >= over));
}

/** The lines on which it depends how a build that turned out bad is told of, from its first start to the first step back. */
export function aroundFailure(moments: Moments): Moments {
  return linesOf(moments).filter(({ what }) => /^step (restart|stand-in|gate) (applied|failed)$|^failure$/.test(what));
}

/** But for the files that say why a run failed: nothing of the service changes while they are written. */
export function withoutEvidence(moments: Moments): Moments {
  return moments.filter(({ what }) => !/\.tmp \w+\.(json|txt)$/.test(what));
}

/** The lines of the ledger alone. */
export function linesOf(moments: Moments): Moments {
  return moments.filter(({ moment }) => moment.startsWith('line '));
}

/** Just before each act, and when systemd was asked for it and has not answered yet. */
export function beforeActs(moments: Moments): Moments {
  return moments.filter(({ moment, what }) => moment.startsWith('sent ') || / (intended|reverting)$/.test(what));
}

/** When systemd was asked and has not answered yet. */
export function whileAsking(moments: Moments): Moments {
  return moments.filter(({ moment }) => moment.startsWith('sent '));
}

/** When systemd was told to start, restart or stop something and has not answered yet. */
export function whileJobsRun(moments: Moments): Moments {
  return moments.filter(({ moment }) => /^sent (Start|Restart|Stop)Unit:/.test(moment));
}

/** Before each act and each name that changes, and when the outcome was written. */
export function aroundChanges(moments: Moments): Moments {
  return moments.filter(({ moment, what }) => !moment.startsWith('line ') || /( intended|^outcome)$/.test(what));
}

/** Where in a run it is that far. A run that never is would leave a sweep next to nothing to look at. */
export function placeOf(moments: Moments, what: RegExp): number {
  const place = moments.findIndex((one) => what.test(one.what));
  if (place === -1) throw new Error(`${what} is no moment of ${moments.map((one) => one.what).join(', ')}`);
  return place;
}
