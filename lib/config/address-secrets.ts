/** What issuers begin their tokens with: such a user name is a secret, however short it is and whatever follows it. */
const issued = String.raw`(?:gh[oprsu]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt|oas)-)[\w-]+(?=(?::[^\s/@]*)?@)`;

/**
 * Other tokens are long, and drawn by chance: words alone, as in the name of an account or an organisation, are none. Beside a
 * password of its own a user name may be anything.
 */
const drawn = String.raw`(?:x-oauth[\w-]*|(?=[\w-]*[\dA-Z])[\w-]{16,})(?=(?::(?:x-oauth-basic)?)?@)`;

/**
 * Secrets in the addresses of a text: what stands before each, and the secret itself. First a token in place of a user name, over
 * HTTP alone, since it may have a password that only fills its place; then a password.
 */
export const secretsInAddresses: readonly RegExp[] = [
  new RegExp(`((?:https?|HTTPS?)://)(${issued}|${drawn})`, 'g'),
  /(:\/\/[^\s:/@]*:)([^\s/@]+)(?=@)/g,
];
