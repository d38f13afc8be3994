import { atMost, looksAtOnce } from '../base/at-most.ts';
import { CutoverError } from '../base/errors.ts';
import { type Redact, redactorOf } from '../base/redactor.ts';
import { sleep } from '../base/wait.ts';
import { secretsOf } from '../config/known-secrets.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { status, type TargetStatus } from '../deployer/status.ts';
import { originText, outcomeText, reasonText } from '../report/text.ts';
import { duration } from '../report/words.ts';
import { reachSystemd } from '../systemd/systemd.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { requireOneDocument, watcherSignal } from './signals.ts';

const watchEveryMs = 2_000;

/** What would move the cursor of a terminal, end the line or turn it around. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu;

interface StatusFlags {
  watch?: boolean;
  metrics?: boolean;
}

export const run: Run<StatusFlags> = async ([name], options, terminal) => {
  requireOneDocument(options, '--watch', options.watch);
  requireAlone(options);
  const config = await configFor(options, terminal, name);
  const targets = name === undefined ? Object.values(config.targets) : [targetNamed(config, name)];
  if (options.metrics) return printMetrics(config, targets, terminal);
  const systemd = reachSystemd(config.manager);
  const signal = watcherSignal();
  const redact = redactorOf(await secretsOf([targets, config.notify, config.serve], terminal.env));
  const look = async (target: TargetConfig): Promise<TargetStatus> =>
    withoutSecrets(await status({ config, target, systemd, signal, paths: pathsOf(config, target) }), redact);
  for (;;) {
    const found = await atMost(looksAtOnce, targets, look);
    if (options.json) terminal.print(JSON.stringify({ targets: found }));
    else
      terminal.tell(
        `${options.watch && terminal.isLive ? '\u001B[2J\u001B[H' : ''}${found.map((one) => text(one, terminal)).join('\n\n')}\n`,
      );
    if (!options.watch || !terminal.hasReader()) return 0;
    // Who has not read the last look gets no further one.
    do await sleep(watchEveryMs, signal);
    while (terminal.isBehind());
  }
};

/** What a service writes into the journal may hold anything. */
function withoutSecrets(found: TargetStatus, redact: Redact): TargetStatus {
  return { ...found, recent_errors: found.recent_errors.map(redact) };
}

function requireAlone({ metrics, watch, json }: GlobalOptions & StatusFlags): void {
  if (!metrics || (!watch && !json)) return;
  throw new CutoverError('usage', '--metrics prints a text of its own, once', { mend: 'cutover status --metrics' });
}

async function printMetrics(config: Config, targets: TargetConfig[], { print }: Terminal): Promise<number> {
  const { metricsText } = await import('../deployer/metrics.ts');
  const systemd = reachSystemd(config.manager);
  const signal = watcherSignal();
  const places = targets.map((target) => ({ config, target, systemd, signal, paths: pathsOf(config, target) }));
  print((await metricsText(places)).trimEnd());
  return 0;
}

function text(found: TargetStatus, { colours }: Terminal): string {
  const { target, in_flight: left, unfinished_change: change } = found;
  const mark = found.healthy ? colours.green('healthy') : colours.red('NOT HEALTHY');
  const unfinished = left && `run ${left.run} since ${left.since}: cutover settle ${target}, unless it is at work`;
  return [
    `${colours.bold(target)} ${mark}`,
    row('unit', unitText(found)),
    row('port', found.port_owner ?? 'nobody listens'),
    row('current', found.current === null ? 'none' : [found.current, originText(found)].filter(Boolean).join(', ')),
    ...(isMoved(found) ? [colours.red(row('RUNS', movedText(found)))] : []),
    row('previous', found.previous ?? 'none'),
    row('last run', lastRunText(found)),
    ...(unfinished ? [colours.red(row('UNFINISHED', unfinished))] : []),
    ...(change ? [colours.red(row('UNFINISHED', `${change.message}: ${change.mend}`))] : []),
    ...found.recent_errors.map((line) => row('error', line)),
  ].join('\n');
}

/** A link that was moved by hand starts another build with the next crash or boot. */
function isMoved({ serving, current }: TargetStatus): boolean {
  return serving !== null && serving !== current;
}

function movedText({ target, serving, current }: TargetStatus): string {
  return `${serving}, and the next start is ${current === null ? 'that of no build' : `another build's`}: cutover check ${target}`;
}

function unitText({ unit, state, sub_state, restarts, memory_bytes, main_pid, since }: TargetStatus): string {
  const memory = memory_bytes === null ? '' : `, ${formatSize(memory_bytes)} of memory`;
  const up = since === null ? '' : ` for ${duration(Date.now() - Date.parse(since))}`;
  return `${unit}, ${state} (${sub_state})${up}, pid ${main_pid ?? 'none'}, ${restarts} restarts${memory}`;
}

function lastRunText({ last_run: last }: TargetStatus): string {
  if (!last) return 'none yet';
  const why = last.failure?.message ?? last.cause?.message ?? reasonText(last);
  return `${last.kind} ${last.run}: ${outcomeText(last)}${why && ` (${why})`}`;
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(10)} ${value.replaceAll(unprintable, ' ')}`;
}
