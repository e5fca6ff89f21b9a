// Stands between two servers and sees their documents: an HTTP(S) server with the certificate of the one it stands for,
// which posts on what it gets, unless the test has other plans.

import { Agent as PlainAgent, createServer, request as plainRequest, type Server } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent as TlsAgent, createServer as createTlsServer, request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { pem, type TestCertificate } from './test-ca.ts';

/** `step 1` to `step 6` of a set-up; else a primitive, or what was asked with `answer to` before it. */
export type DocumentName = string;

/** What is done about one document. Each may take its time; nothing else goes on with this document meanwhile. */
export interface Plan {
  /** Before it is posted on. A status: it is answered so rather than posted on; 'drop': the connection breaks. */
  readonly before?: () => Promise<void | number | 'drop'>;
  /** It was answered, and the sender does not know. 'drop': it never will. */
  readonly between?: () => Promise<void | 'drop'>;
  /** The answer is on its way to the sender. */
  readonly after?: () => void;
}

/** Asked for every document: `names` are those of its transactions. */
export type Director = (names: readonly DocumentName[], body: string) => Plan | undefined;

export interface ProxyTls {
  readonly certificate: TestCertificate;
  /** File of the authority that signed the certificate of the target. */
  readonly ca: string;
}

export class SspProxy {
  director: Director = () => undefined;
  /** Documents that came so far. */
  count = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #agent: PlainAgent;
  readonly #tls: boolean;
  /** Transaction id → what was asked; answers name only the id. */
  readonly #asked: Map<string, string>;

  /** `asked` is shared by the proxies of both directions. */
  private constructor(target: number, asked: Map<string, string>, tls: ProxyTls | undefined) {
    this.#target = target;
    this.#asked = asked;
    this.#tls = tls !== undefined;
    this.#agent =
      tls === undefined
        ? new PlainAgent({ keepAlive: true })
        : new TlsAgent({ keepAlive: true, ca: readFileSync(tls.ca) });
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response).catch(() => response.destroy());
    this.#server =
      tls === undefined ? createServer(listener) : createTlsServer(pem(tls.certificate), listener);
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(target: number, asked: Map<string, string>, tls?: ProxyTls): Promise<SspProxy> {
    const proxy = new SspProxy(target, asked, tls);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    this.count += 1;
    const plan = this.director(namesIn(body, this.#asked), body);
    const early = await plan?.before?.();
    if (early === 'drop') return void response.destroy();
    if (early !== undefined) return void response.writeHead(early, { 'content-length': 0 }).end();
    const { status, retryAfter } = await this.#postOn(request, body);
    if ((await plan?.between?.()) === 'drop') return void response.destroy();
    if (plan?.after !== undefined) response.once('finish', plan.after);
    response
      .writeHead(status, { 'content-length': 0, ...(retryAfter && { 'retry-after': retryAfter }) })
      .end();
  }

  #postOn(
    { headers }: IncomingMessage,
    body: string,
  ): Promise<{ status: number; retryAfter: string | undefined }> {
    const options = { host: '127.0.0.1', port: this.#target, method: 'POST', path: '/', headers };
    return new Promise((resolve, reject) => {
      const send = this.#tls ? tlsRequest : plainRequest;
      const sending = send({ ...options, agent: this.#agent }, (answer) => {
        answer.resume();
        answer.once('end', () =>
          resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }),
        );
        answer.once('error', reject);
      });
      sending.once('error', reject);
      sending.end(body);
    });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const STEPS = ['SendSecretToken', 'LoginRequest', 'LoginResponse'];
const TRANSACTION = /<Transaction\b([^>]*)>\s*<([\w]+)/g;

/** What a document is about. */
function namesIn(body: string, asked: Map<string, string>): DocumentName[] {
  const setup = /<SetupTransaction\b([^>]*)>\s*<(\w+)/.exec(body);
  if (setup !== null) {
    const [, attributes = '', step = ''] = setup;
    return [`step ${STEPS.indexOf(step) * 2 + (attributes.includes('"Response"') ? 2 : 1)}`];
  }
  return [...body.matchAll(TRANSACTION)].map(([, attributes = '', primitive = '']) => {
    const id = /transactionID="([^"]*)"/.exec(attributes)?.[1] ?? '';
    if (attributes.includes('"Request"')) {
      asked.set(id, primitive);
      return primitive;
    }
    return `answer to ${asked.get(id) ?? 'nothing'}`;
  });
}
