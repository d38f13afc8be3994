import { CutoverError } from '../base/errors.ts';

/** All that is wrong with a configuration, gathered so that it is told in one go. */
export class Problems {
  readonly #lines = new Set<string>();
  readonly #mends = new Set<string>();

  /** @param line `path.of.key: what is wrong (got X); expected Y`; the same line is told once */
  add(line: string, mend?: string): void {
    this.#lines.add(line);
    if (mend !== undefined) this.#mends.add(mend);
  }

  get lines(): string[] {
    return [...this.#lines];
  }

  /** @throws `config` with a line for each problem, when there is one */
  throwIfAny(file: string | null): void {
    if (this.#lines.size === 0) return;
    const edit =
      file === null ? 'cutover config --docs' : `edit ${file}, then: cutover config --check --config ${file}`;
    const mend = [...this.#mends, ...(this.#mends.size < this.#lines.size ? [edit] : [])].join('; ');
    throw new CutoverError('config', this.lines.join('\n'), { mend });
  }
}
