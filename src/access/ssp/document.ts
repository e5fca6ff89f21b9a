// SSP documents as typed objects (ssp.md section 5): what the codec reads and writes, and the link works with.

import type { GatewayHealth } from '../../sap/port.ts';
import type { Domain, UserAddress } from '../../wv/ids.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../../wv/primitives.ts';
import type { Result, StatusCode } from '../../wv/status.ts';

export type SspVersion = '1.1' | '1.2' | '1.3';

/** Newest first: the order of preference. */
export const SSP_VERSIONS = ['1.3', '1.2', '1.1'] as const satisfies readonly SspVersion[];

export const SSP_CONTENT_TYPE = 'application/vnd.wv.ssp+xml';

export type Mode = 'Request' | 'Response';

export type SspDocument = SetupDocument | SessionDocument;

/** One step of the secret-token exchange (section 4). */
export interface SetupDocument {
  readonly kind: 'setup';
  readonly version: SspVersion;
  readonly mode: Mode;
  /** '' when the peer wrote none. */
  readonly transactionId: string;
  readonly step: SetupStep;
}

export type SetupStep = SendSecretToken | LoginRequest | LoginResponse;

export interface SendSecretToken {
  readonly name: 'SendSecretToken';
  /** The domain of `wv:@domain`. */
  readonly service: Domain;
  /** As written: perhaps no version of ours. */
  readonly protocolVersion: string;
  /** The octets that a digest is made over. */
  readonly token: Buffer;
  /** COMPAT(Baraza): it wrote `procotolVersion`. */
  readonly misspelt?: boolean;
  /** Digests its sender can check beside MD5: attribute `digestSchemas`, in no source. */
  readonly digestSchemas?: readonly DigestSchema[];
}

export interface LoginRequest {
  readonly name: 'LoginRequest';
  readonly service: Domain;
  /** Seconds. */
  readonly timeToLive: number;
  readonly digest: Buffer;
  /** How the digest was made; MD5 where nothing is said. */
  readonly schema: DigestSchema;
}

export type DigestSchema = 'MD5' | 'SHA256';

export interface LoginResponse {
  readonly name: 'LoginResponse';
  /** '' in a refusal. */
  readonly sessionId: string;
  readonly timeToLive: number;
  readonly result: Result;
}

export interface SessionDocument {
  readonly kind: 'session';
  readonly version: SspVersion;
  /** The id that the sender of the document chose. */
  readonly sessionId: string;
  readonly transactions: readonly SspTransaction[];
}

export type SspTransaction = RequestTransaction | ResponseTransaction;

export interface RequestTransaction {
  readonly mode: 'Request';
  readonly transactionId: string;
  readonly content: RequestContent;
}

export interface ResponseTransaction {
  readonly mode: 'Response';
  readonly transactionId: string;
  readonly content: ResponseContent;
}

export type RequestContent =
  /** For the relay. On the wire several of ours may be one: a notification about several publishers; none: about nobody. */
  | { readonly kind: 'relay'; readonly requests: readonly RequestPrimitive[] }
  | { readonly kind: 'control'; readonly control: ControlRequest }
  /** 405 no primitive of SSP, 400 or 402 one that cannot be understood. */
  | {
      readonly kind: 'unreadable';
      readonly primitive: string;
      readonly code: StatusCode;
      readonly reason: string;
    };

export type ResponseContent =
  | { readonly kind: 'relay'; readonly response: ResponsePrimitive }
  | { readonly kind: 'control'; readonly control: ControlResponse }
  /** To be taken for a Status 500 (section 9, rule 4). */
  | {
      readonly kind: 'unreadable';
      readonly primitive: string;
      readonly code: StatusCode;
      readonly reason: string;
    };

/** What servers ask each other about their session, not about users (sections 4 and 6.1). */
export type ControlRequest =
  | { readonly name: 'KeepAliveRequest'; readonly timeToLive?: number }
  | { readonly name: 'LogoutRequest' }
  | { readonly name: 'Disconnect'; readonly result: Result }
  | { readonly name: 'ServiceRequest'; readonly functions: ReadonlySet<SspFunction> }
  | UserQuery
  | GatewayState;

/**
 * A gateway in a process of its own asks the server that it serves whether a user exists and what he is called. In no
 * source; answered to gateways only, for it tells who exists.
 */
export interface UserQuery {
  readonly name: 'UserQuery';
  readonly user: UserAddress;
}

/** Such a gateway tells how it stands with the network behind it. In no source; answered by a Status. */
export interface GatewayState {
  readonly name: 'GatewayState';
  /** Another one than before: the gateway was started anew, and forgot what it was asked. */
  readonly run: string;
  readonly health: GatewayHealth;
  /** Its network just came back: try again what waits, and tell it the state of presence. */
  readonly usable: boolean;
}

export type ControlResponse =
  | { readonly name: 'KeepAliveResponse'; readonly result: Result; readonly timeToLive?: number }
  | {
      readonly name: 'ServiceResponse';
      readonly result: Result;
      readonly functions: ReadonlySet<SspFunction>;
    }
  /** 531 = no such user; the name he wants to be shown by. */
  | { readonly name: 'UserQueryResponse'; readonly result: Result; readonly displayName?: string };

/**
 * What servers agree on, by function group of the service tree (section 6.1). `wvgate` names what no source has:
 * answers to watchers, and the end of a lasting subscription, which gateways need.
 */
export const SSP_FUNCTIONS = {
  FundamentalFeat: ['InviteFunc'],
  PresenceFeat: ['PresenceAuthFunc', 'PresenceDeliverFunc'],
  IMFeat: ['IMSendFunc', 'IMReceiveFunc'],
  GroupFeat: ['GroupMgmtFunc', 'GroupUseFunc', 'GroupAuthFunc'],
} as const;

type Features = typeof SSP_FUNCTIONS;
export type SspFunction = Features[keyof Features][number];

/** A document that is none: answered HTTP 400. `reason` is safe to log. */
export class SspSyntaxError extends Error {
  override readonly name = 'SspSyntaxError';
}
