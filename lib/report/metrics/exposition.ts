/** One value of a family, with what tells it from the others. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
  /** a histogram's are `_bucket`, `_sum` and `_count` */
  suffix?: '_bucket' | '_sum' | '_count';
}

/** A metric with all its samples. */
export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: readonly Sample[];
}

/**
 * The text exposition format of Prometheus, version 0.0.4: each family once, its HELP and TYPE before its samples, and a line
 * feed at the end. A family without samples is left out.
 */
export function expositionOf(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ labels, value, suffix = '' }) => {
        return `${name}${suffix}${labelsText(labels)} ${numberText(value)}\n`;
      });
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

/** A number as Go's ParseFloat reads it. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function labelsText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** In a HELP text these two are all; in a label's value a quote too. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
