// What proves an account on another network to be the user's, as text that is sealed before it is kept.

/** `token`: what the network gave for the password, or the user made there. Never logged. */
export type AccountSecret = { readonly password: string } | { readonly token: string };

/** No password has it: entry points refuse control characters at their start. */
const TOKEN = '\u0000token ';

export function secretText(secret: AccountSecret): string {
  return 'token' in secret ? TOKEN + secret.token : secret.password;
}

/** What `secretText` made. */
export function readSecret(text: string): AccountSecret {
  return text.startsWith(TOKEN) ? { token: text.slice(TOKEN.length) } : { password: text };
}

/** True for what can be a password, or a token. */
export function isSecret(text: string): boolean {
  return text !== '' && !text.startsWith('\u0000');
}
