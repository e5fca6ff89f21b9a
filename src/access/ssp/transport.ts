// What the link wants of HTTP (ssp.md section 3): documents go out as POSTs, and come in as such.

/** Where a peer listens, and what its certificate must show. */
export interface PeerAddress {
  /** `https:`, or `http:` where the operator allowed it. */
  readonly url: URL;
  /** Names the certificate must all be valid for; at least the host of the URL. */
  readonly certificateNames: readonly string[];
}

export interface PostHeaders {
  readonly transactionId?: string;
  readonly sessionId?: string;
}

export type PostOutcome =
  /** An HTTP answer came. 2xx: taken. */
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterSeconds?: number }
  /** Nobody there, or not who he should be: nothing was sent. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Sent in part or in full, and no answer: the peer may have taken it. */
  | { readonly kind: 'silent'; readonly reason: string };

export interface Poster {
  /** Never rejects. */
  post(address: PeerAddress, document: string, headers: PostHeaders): Promise<PostOutcome>;
  close(): void;
}

/** Who posted a document. */
export interface Caller {
  /** IP address, for logs. */
  readonly address: string;
  /** Names in his client certificate, when he showed one that our authorities signed. */
  readonly certificateNames?: readonly string[];
}

export interface Acceptance {
  readonly status: 200 | 400 | 403 | 503;
  readonly retryAfterSeconds?: number;
}

/** Takes a document that came in. Resolves when the HTTP answer may go out; never rejects. */
export type DocumentSink = (document: Uint8Array, caller: Caller) => Promise<Acceptance>;
