// What a WV client is told about its server, its user and its surroundings.

import type { Clock } from '../ops/ports.ts';
import type { PresenceAttributes } from '../wv/presence.ts';
import type { CspVersion } from '../wv/version.ts';
import type { CirConnector } from './cir.ts';
import { webDigest, type Digest } from './digest.ts';

export interface WvClientOptions {
  /** The SAP's URL. */
  readonly url: string;
  /** As the user typed it: with or without `wv:` and a domain. */
  readonly user: string;
  readonly password: string;
  /** Default 1.2. */
  readonly version?: CspVersion;
  /** Default xml. */
  readonly encoding?: 'xml' | 'wbxml';
  /** Identifies the application on the device; default `http://wvgate.example/client`. */
  readonly clientId?: string;
  /** Default COMPUTER. */
  readonly clientType?: 'MOBILE_PHONE' | 'COMPUTER' | 'PDA' | 'CLI' | 'OTHER';
  /** Default 2-way: the password in clear. 4-way: a digest over the server's nonce. */
  readonly login?: '2-way' | '4-way';
  /** Hash functions for the 4-way login; default SHA by WebCrypto (which has no MD5). */
  readonly digest?: Digest;
  /** The CIR channel, for instance `stcp()` of stcp.ts; without one the client polls. */
  readonly cir?: CirConnector;
  /** Between two polls without CIR, seconds; the server may ask for more. 0 = only when told to. Default 10. */
  readonly pollSeconds?: number;
  /** Between two polls with a live CIR channel, seconds; 0 = only when called. Default 600. */
  readonly cirPollSeconds?: number;
  /** The idle time after which the session shall end, seconds, asked for at login. Default 3,600. */
  readonly keepAlive?: number;
  /** Send MessageDelivered and Status by itself (default), or leave it to `acknowledge` of the events. */
  readonly autoAcknowledge?: boolean;
  /** Log in again after the session ended against our will. Default false. */
  readonly relogin?: boolean;
  /** Attributes published by `connect`; default ClientInfo. */
  readonly presence?: PresenceAttributes;
  /** P: messages are pushed (default); N: announced, and fetched with getMessage. */
  readonly deliveryMethod?: 'P' | 'N';
  /** Octets of content taken by push. Default 65,536. */
  readonly acceptedContentLength?: number;
  /** Octets of one message. Default 262,144. */
  readonly parserSize?: number;
  /** How often a request is repeated when its POST failed and repeating it does no harm. Default 5. */
  readonly retries?: number;
  /** Until an answer is given up, ms. Default 45,000. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Clock;
}

/** Options with every default filled in. */
export type Settings = Required<Omit<WvClientOptions, 'cir'>> & Pick<WvClientOptions, 'cir'>;

export function settingsOf(options: WvClientOptions): Settings {
  return {
    version: '1.2',
    encoding: 'xml',
    clientId: 'http://wvgate.example/client',
    clientType: 'COMPUTER',
    login: '2-way',
    digest: webDigest,
    pollSeconds: 10,
    cirPollSeconds: 600,
    keepAlive: 3600,
    autoAcknowledge: true,
    relogin: false,
    presence: clientInfo(options.clientType ?? 'COMPUTER'),
    deliveryMethod: 'P',
    acceptedContentLength: 65_536,
    parserSize: 262_144,
    retries: 5,
    timeoutMs: 45_000,
    fetch: (input, init) => globalThis.fetch(input, init),
    clock: timers,
    ...options,
  };
}

function clientInfo(clientType: string): PresenceAttributes {
  const fields = [
    { name: 'ClientType', text: clientType, children: [] },
    { name: 'ClientProducer', text: 'wvgate', children: [] },
  ];
  return { ClientInfo: { valid: true, fields } };
}

/** The clock of the platform. In Node its timers do not keep the process alive; a browser's are plain numbers. */
const timers: Clock = {
  now: () => Date.now(),
  after(delay, task) {
    const timer: unknown = setTimeout(task, Math.min(delay, 2_147_483_647));
    if (hasUnref(timer)) timer.unref();
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
  },
};

function hasUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer;
}
