/** Markup that is safe to hand out: only `html` makes it, and it escapes whatever is put in. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** For `html` alone. */
  static of(text: string): Html {
    return new Html(text);
  }
}

export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

// Names of builds and what services print are data: they must not turn a line around, or end it.
// oxlint-disable-next-line no-control-regex
const unseen = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/**
 * Markup with values in it, for element content and quoted attributes. A text is escaped, markup is not again, a list is
 * joined, and null and false are nothing.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const text = parts.map((part, index) => part + (index < values.length ? textOf(values[index] ?? null) : ''));
  return Html.of(text.join(''));
}

/** Text for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(unseen, '\uFFFD').replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

function textOf(value: HtmlValue): string {
  if (value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map((one) => textOf(one)).join('');
}
