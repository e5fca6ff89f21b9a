// Configuration of linked accounts. Times in milliseconds.

/** A server whose accounts may be linked. */
export interface AccountServer {
  /** What stands behind the @ of its JIDs. */
  readonly domain: string;
  /** Where it takes clients; beyond loopback only with TLS, whose certificate must be that of the domain. */
  readonly host: string;
  readonly port: number;
}

export interface LinkedConfig {
  readonly servers: readonly { readonly domain: string; readonly host?: string; readonly port?: number }[];
  /** Accounts linked at once. */
  readonly maxClients?: number;
  /** Contacts taken from one roster; the rest is left out. */
  readonly maxRoster?: number;
  /** Streams opened a second, after a start or when a server came back. */
  readonly startsPerSecond?: number;
  /** What the person writes at another client is shown on the phone too. */
  readonly showOwn?: boolean;
}

export interface LinkedSettings {
  readonly servers: readonly AccountServer[];
  readonly maxClients: number;
  readonly maxRoster: number;
  readonly startsPerSecond: number;
  readonly showOwn: boolean;
}

const CLIENT_PORT = 5222;
const DEFAULTS = { maxClients: 1_000, maxRoster: 1_000, startsPerSecond: 10, showOwn: false };

/** Fills in the defaults. Undefined: no accounts are linked. */
export function linkedSettingsOf(config: LinkedConfig | undefined): LinkedSettings | undefined {
  if (config === undefined) return undefined;
  const servers = config.servers.map(({ domain, host = domain, port = CLIENT_PORT }) => ({
    domain,
    host,
    port,
  }));
  return { ...DEFAULTS, ...config, servers };
}

/** True for an address of this machine: what is sent there, nobody else reads. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
