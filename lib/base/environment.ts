/** Of an environment only these variables, and of them only those that are set. */
export function environmentOf(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const set = names.map((name): [string, string | undefined] => [name, env[name]]);
  return Object.fromEntries(set.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
