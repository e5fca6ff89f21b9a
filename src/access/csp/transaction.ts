// What a CSP transaction handler gets and gives back. One file of handlers per service under transactions/.

import type { Element } from '../../wv/element.ts';
import type { CspVersion } from '../../wv/version.ts';
import type { Clock, IdSource, Log } from '../../ops/ports.ts';
import type { Authentication } from '../../sap/authentication.ts';
import type { ServiceFunction } from '../../sap/discovery.ts';
import type { ServiceElements } from '../../services/elements.ts';
import type { LinkedAccounts } from '../../services/linked-accounts.ts';
import type { Store } from '../../store/store.ts';
import { isBindError, readBody, type Body, type CspTransaction, type ElementName } from './codec/binding.ts';
import { statusOf } from './answers.ts';
import type { Origin } from './origin.ts';
import type { CspSession } from './session.ts';
import type { SessionTable } from './session-table.ts';

/** What the operator tells clients about the service (GetSPInfo) and grants them. */
export interface CspSettings {
  readonly provider: {
    readonly name: string;
    readonly description?: string;
    readonly url?: string;
    /** `size`: octets of the picture. */
    readonly logo?: { readonly contentType: string; readonly size: number; readonly base64: string };
  };
  /** Seconds. */
  readonly keepAlive: { readonly default: number; readonly min: number; readonly max: number };
  /** Seconds between polls that clients are asked to keep. */
  readonly pollMin: number;
  /** Where clients open the STCP channel; undefined = not offered. */
  readonly stcp: { readonly address: string; readonly port: number } | undefined;
  readonly sudp: boolean;
  /** Calls as WAP pushes over UDP. */
  readonly wapUdp: boolean;
  /** What the token of a session is appended to, to make its address for SHTTP; undefined = not offered. */
  readonly shttp: string | undefined;
  /** Contacts, users or lists that one request may name. */
  readonly maxEntities: number;
  /** Attribute lists of one user. */
  readonly maxAttributeLists: number;
  /** Groups that one session may be joined to at a time. */
  readonly maxJoinedGroups: number;
}

export interface CspServices extends ServiceElements {
  readonly store: Store;
  readonly authentication: Authentication;
  readonly sessions: SessionTable;
  readonly linkedAccounts: Pick<LinkedAccounts, 'listsChanged'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly settings: CspSettings;
}

/** One transaction of a client's message. */
export interface Exchange {
  readonly services: CspServices;
  readonly version: CspVersion;
  readonly transaction: CspTransaction;
  readonly remote: Origin & { readonly userAgent?: string | undefined };
}

export interface SessionExchange extends Exchange {
  readonly session: CspSession;
}

/** undefined = nothing to answer (the HTTP answer may be empty or carry a server transaction). */
export type Answer = Element | undefined;

export type Handler =
  | { readonly outband: true; readonly handle: (exchange: Exchange) => Promise<Answer> }
  | {
      readonly outband?: false;
      /** The function of the service tree it belongs to; absent = mandatory with its feature. */
      readonly needs?: ServiceFunction;
      readonly handle: (exchange: SessionExchange) => Promise<Answer>;
    };

export type Handlers = Readonly<Record<string, Handler>>;

/** A handler for an in-session request whose body is read before; unusable bodies are answered 400 or 402. */
export function inSession<N extends ElementName>(
  name: N,
  handle: (exchange: SessionExchange, body: Body<N>) => Promise<Answer> | Answer,
  needs?: ServiceFunction,
): Handler {
  return {
    ...(needs === undefined ? {} : { needs }),
    handle: async (exchange) => {
      const body = readBody(exchange.transaction.content, name);
      if (isBindError(body)) return statusOf(body.code, exchange.version, `${body.element}: ${body.message}`);
      return handle(exchange, body);
    },
  };
}
