/** What issuers begin their tokens with: such a user name is a secret, however short it is and whatever follows it. */
const issued = String.raw`(?:gh[oprsu]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt|oas)-)[\w-]+(?=(?::[^\s/@]*)?@)`;

/**
 * Other tokens are long, and drawn by chance, so that digits stand before letters in more than one place: the name of an account or an
 * organisation, a year behind it included, is none, and no file is refused for it. Beside a password of its own a user name may be anything.
 */
const drawn = String.raw`(?:x-oauth[\w-]*|(?=(?:[\w-]*?\d[A-Za-z]){2})[\w-]{20,})(?=(?::(?:x-oauth-basic)?)?@)`;

/**
 * Secrets in the addresses of a text: what stands before each, and the secret itself. First a token in place of a user name, over
 * HTTP alone, since it may have a password that only fills its place; then a password.
 */
export const secretsInAddresses: readonly RegExp[] = [
  new RegExp(`((?:https?|HTTPS?)://)(${issued}|${drawn})`, 'g'),
  /(:\/\/[^\s:/@]*:)([^\s/@]+)(?=@)/g,
];
