// What a client can take, as agreed in capability negotiation (csp-transactions 1.7).

export type CirMethod = 'STCP' | 'SUDP' | 'WAPUDP' | 'SHTTP';

export interface Capabilities {
  /** P: messages are pushed; N: announced and fetched. */
  readonly deliveryMethod: 'P' | 'N';
  /** Octets of content the client takes by push: attachments are made to fit; what cannot be is announced. */
  readonly acceptedContentLength: number;
  /** False = does not know MessageNotification: what cannot be made to fit is pushed all the same (quirks.ts). */
  readonly fetches: boolean;
  /** Octets of content the client takes by GetMessage (1.3). */
  readonly acceptedPullLength: number;
  /** MIME types and patterns; undefined = any, or none was named. */
  readonly acceptedTypes?: readonly string[];
  /** Octets of one CSP message the client can parse. */
  readonly parserSize: number;
  /** Transactions that may stand in one message. */
  readonly multiTrans: number;
  readonly cir: readonly CirMethod[];
  /** Where the client listens for SUDP. */
  readonly udpPort: number;
}

/** COMPAT(Nokia, Android): the default port of a client that listens for UDP calls (csp-transport section 2). */
export const DEFAULT_UDP_PORT = 3717;

/** Before (or without) a negotiation: push, one transaction a message, no limit but ours. */
export const UNNEGOTIATED: Capabilities = {
  deliveryMethod: 'P',
  acceptedContentLength: 0xffff_ffff,
  fetches: true,
  acceptedPullLength: 0xffff_ffff,
  parserSize: 0xffff_ffff,
  multiTrans: 1,
  cir: [],
  udpPort: DEFAULT_UDP_PORT,
};
