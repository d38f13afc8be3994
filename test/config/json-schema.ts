type Schema = Record<string, unknown> & { properties?: Record<string, Schema>; required?: string[] };

/** What a value does against a JSON Schema; knows the keywords that ours uses, and throws at any other. */
export function violations(schema: unknown, value: unknown, path = '$'): string[] {
  if (schema === true) return [];
  const rules: Schema = Object.fromEntries(entriesOf(schema));
  return Object.entries(rules).flatMap(([keyword, rule]) => {
    const judge = judges[keyword];
    if (!judge) throw new Error(`unknown keyword ${keyword} at ${path}`);
    return judge(rule, value, path, rules);
  });
}

// A rule is of the kind its keyword demands.
type Judge = (rule: any, value: unknown, path: string, schema: Schema) => string[];

const silent: Judge = () => [];
const judges: Record<string, Judge> = {
  $schema: silent,
  title: silent,
  description: silent,
  default: silent,
  examples: silent,
  format: silent,
  patternProperties: silent,
  type: (rule: string | string[], value, path) =>
    [rule].flat().some((type) => isOf(type, value)) ? [] : [`${path}: type`],
  enum: (rule: unknown[], value, path) => (rule.includes(value) ? [] : [`${path}: enum`]),
  const: (rule: unknown, value, path) => (rule === value ? [] : [`${path}: const`]),
  minimum: (rule: number, value, path) => (typeof value === 'number' && value < rule ? [`${path}: minimum`] : []),
  maximum: (rule: number, value, path) => (typeof value === 'number' && value > rule ? [`${path}: maximum`] : []),
  minLength: (rule: number, value, path) =>
    typeof value === 'string' && value.length < rule ? [`${path}: length`] : [],
  maxLength: (rule: number, value, path) =>
    typeof value === 'string' && value.length > rule ? [`${path}: length`] : [],
  pattern: (rule: string, value, path) =>
    typeof value === 'string' && !new RegExp(rule, 'u').test(value) ? [`${path}: pattern`] : [],
  minItems: (rule: number, value, path) => (Array.isArray(value) && value.length < rule ? [`${path}: items`] : []),
  minProperties: (rule: number, value, path) => (entriesOf(value).length < rule ? [`${path}: empty`] : []),
  items: (rule: Schema, value, path) =>
    Array.isArray(value) ? value.flatMap((item, at) => violations(rule, item, `${path}[${at}]`)) : [],
  anyOf: (rule: Schema[], value, path) =>
    rule.some((one) => violations(one, value, path).length === 0) ? [] : [`${path}: anyOf`],
  oneOf: (rule: Schema[], value, path) =>
    rule.filter((one) => violations(one, value, path).length === 0).length === 1 ? [] : [`${path}: oneOf`],
  required: (rule: string[], value, path) =>
    rule.filter((key) => !entriesOf(value).some(([name]) => name === key)).map((key) => `${path}.${key}`),
  properties: (rule: Record<string, Schema>, value, path) =>
    entriesOf(value).flatMap(([key, item]) => (rule[key] ? violations(rule[key], item, `${path}.${key}`) : [])),
  propertyNames: (rule: Schema, value, path) =>
    entriesOf(value).flatMap(([key]) => violations(rule, key, `${path}.${key}`)),
  additionalProperties: (rule: boolean | Schema, value, path, { properties = {}, patternProperties = {} }) =>
    entriesOf(value)
      .filter(
        ([key]) => !properties[key] && !entriesOf(patternProperties).some(([pattern]) => new RegExp(pattern).test(key)),
      )
      .flatMap(([key, item]) =>
        rule === false ? [`${path}.${key}: unknown`] : violations(rule, item, `${path}.${key}`),
      ),
};

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
