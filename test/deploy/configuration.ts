import type { Site, SiteOptions } from './site.ts';

// The machine that tests run on may be fuller than a production machine should be, and a test has no time to wait.
const known = (port: number) => ({
  stop: [],
  start: ['timeout = "10s"'],
  health: [
    `url = "http://127.0.0.1:${port}/api/health"`,
    'json = { status = "healthy" }',
    'attempts = 3',
    'interval = "100ms"',
    'timeout = "8s"',
  ],
  limits: ['disk_used = "99%"', 'memory_available = "50M"'],
});

/** The text of a site's configuration: what every site has, with the test's own lines over it. */
export function configText(
  { head, unit, builds, port }: Pick<Site, 'unit' | 'builds' | 'port'> & { head: string[] },
  { keys = [], tables = {} }: Pick<SiteOptions, 'keys' | 'tables'>,
): string {
  const target = ['[targets.production]', `unit = "${unit}"`, `builds = "${builds}"`, `port = ${port}`];
  const given = new Set(keys.map(keyOf));
  const sections = Object.entries(known(port)).flatMap(([name, lines]) => {
    const own = tables[name as keyof typeof tables] ?? [];
    const replaced = new Set(own.map(keyOf));
    return [`[targets.production.${name}]`, ...lines.filter((line) => !replaced.has(keyOf(line))), ...own];
  });
  const lines = [...head, ...target.filter((line) => !given.has(keyOf(line))), ...keys, ...sections];
  return `${lines.join('\n')}\n`;
}

function keyOf(line: string): string {
  return line.split(' ')[0] ?? '';
}
