/** A timer that comes every minute comes some seconds early or late. */
const slackMs = 30_000;

/** Whether something that was at that moment is about as long ago as the configuration says. A clock that went back makes it so. */
export function isRoundAgain(at: string, everyMs: number, nowMs: number): boolean {
  const sinceMs = nowMs - Date.parse(at);
  return sinceMs < 0 || sinceMs >= everyMs - Math.min(slackMs, everyMs / 2);
}
