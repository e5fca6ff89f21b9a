// Configuration of linked accounts.

import { MatrixConfigError } from '../registration.ts';

/** A homeserver whose accounts may be linked. */
export interface AccountHomeserver {
  /** What stands behind the colon of its user ids. */
  readonly serverName: string;
  /** Base URL of its client-server API, without a slash at the end. */
  readonly url: string;
}

export interface LinkedConfig {
  /** Beside the gateway's own. */
  readonly homeservers?: readonly AccountHomeserver[];
  /** Accounts linked at once. Default 1,000. */
  readonly maxClients?: number;
  /** Direct chats taken from one account. Default 1,000. */
  readonly maxChats?: number;
  /** Accounts that connect in one second. Default 5. */
  readonly startsPerSecond?: number;
}

export interface LinkedSettings {
  readonly homeservers: readonly AccountHomeserver[];
  readonly maxClients: number;
  readonly maxChats: number;
  readonly startsPerSecond: number;
}

const DEFAULTS = { maxClients: 1_000, maxChats: 1_000, startsPerSecond: 5 };

/**
 * Fills in the defaults. Undefined: no accounts are linked.
 * @throws MatrixConfigError for a URL that is none
 */
export function linkedSettingsOf(
  config: LinkedConfig | undefined,
  own: AccountHomeserver,
): LinkedSettings | undefined {
  if (config === undefined) return undefined;
  const homeservers = [own, ...(config.homeservers ?? [])].map(({ serverName, url }) => {
    if (!/^https?:/.test(url) || !URL.canParse(url))
      throw new MatrixConfigError(`matrix.linked.homeservers: ${url}: not an http or https URL`);
    return { serverName, url: url.replace(/\/+$/, '') };
  });
  return { ...DEFAULTS, ...config, homeservers };
}
