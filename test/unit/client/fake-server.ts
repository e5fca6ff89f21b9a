// Test support: a server that answers each request from a script and remembers what it was told. It speaks through
// the client's `fetch`, so that no sockets are needed.

import {
  buildElement,
  readMessage,
  type Body,
  type ElementName,
} from '../../../src/access/csp/codec/binding.ts';
import type { CspMessage, CspTransaction } from '../../../src/access/csp/codec/binding.ts';
import { contentKind, decode, encode, isCodecError } from '../../../src/access/csp/codec/codec.ts';
import { isBindError } from '../../../src/access/csp/codec/errors.ts';
import { WvClient, type WvClientOptions } from '../../../src/client/client.ts';
import type { Element } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';

export interface Answer {
  readonly content?: Element;
  /** Requests of the server that travel along. */
  readonly requests?: readonly { readonly id: string; readonly content: Element }[];
  readonly poll?: boolean;
  /** An HTTP status instead of an answer. */
  readonly http?: number;
  /** The network is gone. */
  readonly broken?: true;
}

type Script = (transaction: CspTransaction, message: CspMessage) => Answer | undefined;

export class FakeServer {
  readonly version: CspVersion;
  readonly heard: { readonly message: CspMessage; readonly transaction: CspTransaction }[] = [];
  /** Answers before the defaults do; undefined = not my business. */
  script: Script = () => undefined;
  /** Handed out one by one, to polls and acknowledgements. */
  readonly queue: { id: string; content: Element }[] = [];
  concurrent = 0;
  mostConcurrent = 0;

  constructor(version: CspVersion = '1.2') {
    this.version = version;
  }

  element<N extends ElementName>(name: N, body: Body<N>): Element {
    return buildElement(name, body, this.version);
  }

  status(code: number, description?: string): Element {
    return this.element('Status', { Result: { Code: code, Description: description } });
  }

  /** What was heard, by primitive. */
  all(primitive: string): CspTransaction[] {
    return this.heard
      .filter(({ transaction }) => transaction.primitive === primitive)
      .map((h) => h.transaction);
  }

  get primitives(): string[] {
    return this.heard.map(({ transaction }) => transaction.primitive);
  }

  readonly fetch: typeof globalThis.fetch = async (_url, init) => {
    this.concurrent += 1;
    this.mostConcurrent = Math.max(this.mostConcurrent, this.concurrent);
    await Promise.resolve();
    try {
      return this.#respond(init);
    } finally {
      this.concurrent -= 1;
    }
  };

  #respond(init: RequestInit | undefined): Response {
    const type = new Headers(init?.headers).get('content-type') ?? '';
    const kind = contentKind(type) ?? 'xml';
    const decoded = decode(kind, init?.body as Uint8Array);
    if (isCodecError(decoded)) throw new Error(`the client wrote: ${decoded.message}`);
    const message = readMessage(decoded);
    if (isBindError(message)) throw new Error(`the client wrote: ${message.message}`);
    const [transaction] = message.transactions;
    if (transaction === undefined) throw new Error('no transaction');
    this.heard.push({ message, transaction });
    const answer = this.script(transaction, message) ?? this.#usual(transaction);
    if (answer.broken) throw new TypeError('fetch failed');
    if (answer.http !== undefined) return new Response('', { status: answer.http });
    const reply = this.#reply(transaction, answer);
    const octets = reply === undefined ? new Uint8Array() : encode(kind, reply);
    return new Response(octets as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } });
  }

  #reply({ id }: CspTransaction, answer: Answer): CspMessage | undefined {
    const requests = (answer.requests ?? []).map((request) => ({
      mode: 'Request' as const,
      primitive: request.content.name,
      ...request,
    }));
    const { content } = answer;
    const own =
      content === undefined ? [] : [{ mode: 'Response' as const, id, primitive: content.name, content }];
    if (own.length + requests.length === 0) return undefined;
    return {
      version: this.version,
      sessionType: 'Inband',
      sessionId: 's-1',
      poll: answer.poll ?? this.queue.length > 0,
      transactions: [...own, ...requests],
    };
  }

  #usual({ primitive, mode }: CspTransaction): Answer {
    if (primitive === 'Polling-Request' || mode === 'Response') {
      const next = this.queue.shift();
      return next === undefined ? {} : { requests: [next] };
    }
    return { content: this.#answer(primitive) };
  }

  #answer(primitive: string): Element {
    switch (primitive) {
      case 'Login-Request':
        return this.element('Login-Response', {
          Result: { Code: 200 },
          SessionID: 's-1',
          KeepAliveTime: 3600,
        });
      case 'ClientCapability-Request':
        return this.version === '1.1'
          ? this.element('ClientCapability-Response', { CapabilityList: {} })
          : this.element('ClientCapability-Response', { AgreedCapabilityList: {} });
      case 'Service-Request':
        return this.element('Service-Response', { AllFunctions: { WVCSPFeat: {} } });
      case 'GetPresence-Request':
        return this.element('GetPresence-Response', { Result: { Code: 200 } });
      default:
        return this.status(200);
    }
  }
}

/** A client of the server that neither polls nor repeats by itself. */
export function clientOf(server: FakeServer, options: Partial<WvClientOptions> = {}): WvClient {
  return new WvClient({
    url: 'http://wv.example/',
    user: 'wv:ann@im.example',
    password: 'sesame',
    version: server.version,
    pollSeconds: 0,
    fetch: server.fetch,
    ...options,
  });
}

/** A client that is connected; what was said until then is forgotten. */
export async function connected(
  server: FakeServer,
  options: Partial<WvClientOptions> = {},
): Promise<WvClient> {
  const client = clientOf(server, options);
  await client.connect();
  server.heard.length = 0;
  return client;
}
