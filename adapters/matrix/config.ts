// What the operator configures of the Matrix gateway, with defaults and limits.

import { parseDomain, userAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { MatrixConfigError, prefixOfNamespace, readRegistration } from './registration.ts';
import type { Registration } from './registration.ts';
import { botSettingsOf } from './bot/permissions.ts';
import type { BotConfig, BotSettings } from './bot/permissions.ts';
import { linkedSettingsOf } from './linked/settings.ts';
import type { LinkedConfig, LinkedSettings } from './linked/settings.ts';

export interface MatrixGatewayConfig {
  readonly name?: 'matrix';
  /** Base URL of the client-server API, e.g. `http://127.0.0.1:8008`. */
  readonly homeserverUrl: string;
  /** The homeserver's `server_name`: the part of user ids after the colon. */
  readonly serverName: string;
  /** The registration, or the file that holds it. One of the two. */
  readonly registration?: Registration;
  readonly registrationFile?: string;
  /** Where the homeserver's transactions are taken. Default host 127.0.0.1. */
  readonly listen: { readonly host?: string; readonly port: number };
  /** WV domain of Matrix users: `@dave:hs` is `wv:dave%40hs@<pseudoDomain>`. */
  readonly pseudoDomain: string;
  /** Start of the localparts of ghosts; by default read from the registration's user namespace. */
  readonly userPrefix?: string;
  readonly presence?: {
    /** Show WV users who authorised the gateway to Matrix. Default true. */
    readonly publish?: boolean;
    /** Presence updates sent to the homeserver in one second. Default 10. */
    readonly maxPerSecond?: number;
    /** Seconds after which a shown presence is repeated, 0 = never. Default 25. */
    readonly refreshSeconds?: number;
  };
  /** A delivery report of 200 becomes a read receipt of the ghost. Default true. */
  readonly receiptsFromDelivery?: boolean;
  /** Reactions reach the phone as a text. Default true. */
  readonly reactions?: boolean;
  /** Longer texts come to the phone in parts of so many UTF-16 units; 0 = never. Default 1,500. */
  readonly splitText?: number;
  readonly files?: Partial<FileSettings>;
  /** Accounts of their own that WV users speak as; absent = none. */
  readonly linked?: LinkedConfig;
  /** Who may give the bot commands. */
  readonly bot?: BotConfig;
  /** Subscribing to a Matrix user invites him to a direct chat, for only then his presence is seen. Default true. */
  readonly portalOnSubscribe?: boolean;
  /** Invitations of ghosts by one Matrix user that are followed in a minute; more are refused. Default 30. */
  readonly invitesPerMinute?: number;
  /** Regular expressions of user ids that are ghosts of other bridges: refused. */
  readonly bridgePatterns?: readonly string[];
  readonly groups?: {
    /** WV users in rooms of Matrix at once, counted for each room. Default 10,000. */
    readonly maxGuests?: number;
    /** Members of a room that are known and listed to phones. Default 5,000. */
    readonly maxMembers?: number;
    /** Groups of this server that have a room. Default 10,000. */
    readonly maxRooms?: number;
    /** WV members of one group who are shown in its room before they say something. Default 100. */
    readonly shownMembers?: number;
  };
  readonly retry?: {
    /** Tries of one call before the relay's outbox takes over. Default 4. */
    readonly tries?: number;
    /** First pause in ms; it doubles, with jitter. Default 250. */
    readonly baseDelayMs?: number;
    /** Longest single pause in ms; a homeserver that asks for more gets its answer later. Default 5000. */
    readonly maxDelayMs?: number;
    /** Deadline of one call in ms, with all its tries: below the relay's for a request (10 s). Default 8000. */
    readonly timeoutMs?: number;
  };
}

/** Pictures and other files, both ways. */
export interface FileSettings {
  /** Largest file fetched, and uploaded, octets. Default 5 MiB. */
  readonly maxBytes: number;
  /** Whose files are fetched. `contacts`: whom our user wrote to, or watches. Default `contacts`. */
  readonly fetchFrom: 'contacts' | 'everybody' | 'nobody';
  /** Files of one Matrix user fetched in a minute. Default 20. */
  readonly perMinute: number;
}

/** The configuration with every default filled in, and checked. */
export interface MatrixSettings {
  readonly homeserverUrl: string;
  readonly serverName: string;
  readonly registration: Registration;
  readonly host: string;
  readonly port: number;
  readonly pseudoDomain: Domain;
  readonly prefix: string;
  readonly publishPresence: boolean;
  readonly presencePerSecond: number;
  readonly presenceRefreshMs: number;
  readonly receiptsFromDelivery: boolean;
  readonly reactions: boolean;
  readonly splitText: number;
  readonly files: FileSettings;
  readonly linked: LinkedSettings | undefined;
  readonly bot: BotSettings;
  readonly portalOnSubscribe: boolean;
  readonly invitesPerMinute: number;
  readonly bridgePatterns: readonly RegExp[];
  readonly maxRoomGuests: number;
  readonly maxRoomMembers: number;
  readonly maxGroupRooms: number;
  readonly shownMembers: number;
  readonly retry: RetrySettings;
}

export interface RetrySettings {
  readonly tries: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly timeoutMs: number;
}

/** Ghosts of the bridges that reach the same networks as wvgate (bridging.md 2.3). */
const OTHER_BRIDGES = ['^@_xmpp_', '^@_bifrost_', '^@xmpp_', '^@_imps_'] as const;

const FILES: FileSettings = { maxBytes: 5_242_880, fetchFrom: 'contacts', perMinute: 20 };

const RETRY: RetrySettings = { tries: 4, baseDelayMs: 250, maxDelayMs: 5000, timeoutMs: 8000 };

/**
 * Checks the configuration.
 * @throws MatrixConfigError naming the key
 */
export function resolveSettings(config: MatrixGatewayConfig): MatrixSettings {
  const registration = registrationOf(config);
  const source = config.registrationFile ?? 'matrix.registration';
  const prefix = config.userPrefix ?? prefixOfNamespace(registration.userNamespace);
  if (prefix === undefined) throw new MatrixConfigError(`${source}: namespaces.users: no fixed prefix`);
  const ghost = `@${prefix}x:${config.serverName}`;
  if (!new RegExp(`^(?:${registration.userNamespace})$`).test(ghost)) {
    throw new MatrixConfigError(`${source}: namespaces.users: does not cover ${ghost}`);
  }
  return {
    homeserverUrl: homeserverUrl(config.homeserverUrl),
    serverName: config.serverName,
    registration,
    host: config.listen.host ?? '127.0.0.1',
    port: config.listen.port,
    pseudoDomain: pseudoDomainOf(config),
    prefix,
    publishPresence: config.presence?.publish ?? true,
    presencePerSecond: Math.max(1, config.presence?.maxPerSecond ?? 10),
    presenceRefreshMs: 1000 * (config.presence?.refreshSeconds ?? 25),
    receiptsFromDelivery: config.receiptsFromDelivery ?? true,
    reactions: config.reactions ?? true,
    splitText: config.splitText ?? 1500,
    files: { ...FILES, ...config.files },
    linked: linkedSettingsOf(config.linked, {
      serverName: config.serverName,
      url: homeserverUrl(config.homeserverUrl),
    }),
    bot: botSettingsOf(config.bot, config.serverName),
    portalOnSubscribe: config.portalOnSubscribe ?? true,
    invitesPerMinute: config.invitesPerMinute ?? 30,
    bridgePatterns: (config.bridgePatterns ?? OTHER_BRIDGES).map(pattern),
    maxRoomGuests: config.groups?.maxGuests ?? 10_000,
    maxRoomMembers: config.groups?.maxMembers ?? 5000,
    maxGroupRooms: config.groups?.maxRooms ?? 10_000,
    shownMembers: config.groups?.shownMembers ?? 100,
    retry: { ...RETRY, ...config.retry },
  };
}

/**
 * The one watcher that stands for all of Matrix: a WV user who authorises it shows presence there (bridging.md
 * 3.5, rule 2).
 */
export function pseudoWatcher(config: Pick<MatrixGatewayConfig, 'pseudoDomain'>): UserAddress {
  return userAddress('gateway', pseudoDomainOf(config));
}

function pseudoDomainOf(config: Pick<MatrixGatewayConfig, 'pseudoDomain'>): Domain {
  const domain = parseDomain(config.pseudoDomain);
  if (domain === undefined) throw new MatrixConfigError('matrix.pseudoDomain: not a domain');
  return domain;
}

function registrationOf(config: MatrixGatewayConfig): Registration {
  if (config.registration !== undefined) return config.registration;
  if (config.registrationFile !== undefined) return readRegistration(config.registrationFile);
  throw new MatrixConfigError('matrix.registration: needed');
}

function homeserverUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new MatrixConfigError('matrix.homeserverUrl: not an http or https URL');
  }
  return text.replace(/\/+$/, '');
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new MatrixConfigError(`matrix.bridgePatterns: ${text}: not a regular expression`, { cause: error });
  }
}
