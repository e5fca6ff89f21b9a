// A peer that says what it likes: a door that keeps what is posted to it, POSTs of any text from any address of this
// machine, and the steps of the set-up one by one. It shares no code with src.

import { createHash, randomBytes } from 'node:crypto';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import { request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { eventually } from '../eventually.ts';

const TYPE = 'application/vnd.wv.ssp+xml';

interface TlsOptions {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface PostOptions {
  /** Where the POST comes from: any address of 127.0.0.0/8. */
  readonly from?: string;
  readonly path?: string;
  readonly type?: string;
}

/** What a hostile peer says in a set-up, where it differs from what is right. */
export interface SetupOptions extends PostOptions {
  /** Whose name it uses; default: its own. */
  readonly as?: string;
  readonly id?: string;
  /** The id by which it wants to be known. */
  readonly sessionId?: string;
  readonly misspelt?: boolean;
}

export const envelope = (inside: string): string =>
  `<WV-SSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-SSP1.3">${inside}</WV-SSP-Message>`;

export const setup = (mode: string, id: string, step: string): string =>
  envelope(`<SetupTransaction mode="${mode}" transactionID="${id}">${step}</SetupTransaction>`);

export const tokenStep = (domain: string, token: string, version = 'protocolVersion="1.3"'): string =>
  `<SendSecretToken serviceID="wv:@${domain}" protocol="WV-SSP" ${version}><SecretToken encoding="base64">${token}</SecretToken></SendSecretToken>`;

export const loginStep = (domain: string, digest: string): string =>
  `<LoginRequest serviceID="wv:@${domain}" timeToLive="3600"><PasswordDigest encoding="base64">${digest}</PasswordDigest></LoginRequest>`;

export const sessionStep = (sessionId: string, code = 200): string =>
  `<LoginResponse sessionID="${sessionId}" timeToLive="3600"><Status code="${code}"/></LoginResponse>`;

export const transaction = (mode: 'Request' | 'Response', id: string, primitive: string): string =>
  `<Transaction mode="${mode}" transactionID="${id}">${primitive}</Transaction>`;

export const md5 = (token: string): string =>
  createHash('md5').update(Buffer.from(token, 'base64')).digest('base64');

export class Hostile {
  readonly domain: string;
  /** Everything that was posted to it, in order. */
  readonly received: string[] = [];
  /** What it does with a POST; default: 200 and nothing else. */
  react: (document: string, response: ServerResponse) => void = (_, response) => void response.end();
  /** The id it speaks under, once a session is up. */
  sessionId = '';
  /** Door of the server that it means. */
  target = 0;
  /** The server that it means speaks TLS; with which certificate to come. */
  tls: TlsOptions | undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  readonly #server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('error', () => {});
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const document = Buffer.concat(parts).toString();
      this.received.push(document);
      this.react(document, response);
    });
  });

  private constructor(domain: string) {
    this.domain = domain;
  }

  static async open(domain: string): Promise<Hostile> {
    const hostile = new Hostile(domain);
    await new Promise<void>((resolve) => hostile.#server.listen(0, '127.0.0.1', resolve));
    return hostile;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The HTTP status; 0: the connection ended without one. */
  post(document: string | Uint8Array, { from, path = '/', type = TYPE }: PostOptions = {}): Promise<number> {
    const body = typeof document === 'string' ? Buffer.from(document) : document;
    return new Promise((resolve) => {
      const posting = (this.tls === undefined ? request : requestTls)(
        {
          ...this.tls,
          host: '127.0.0.1',
          port: this.target,
          path,
          method: 'POST',
          agent: this.tls === undefined ? this.#agent : false,
          headers: { 'Content-Type': type, 'Content-Length': body.length },
          ...(from === undefined ? {} : { localAddress: from }),
        },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
          response.once('error', () => resolve(response.statusCode ?? 0));
        },
      );
      posting.once('error', () => resolve(0));
      posting.end(body);
    });
  }

  /** Posts transactions in a session, its own if nothing else is said. */
  say(transactions: string, options: PostOptions & { readonly sessionId?: string } = {}): Promise<number> {
    const { sessionId = this.sessionId } = options;
    return this.post(envelope(`<Session sessionID="${sessionId}">${transactions}</Session>`), options);
  }

  /** Asks in its session, and gives the code of the answer that is posted to it. */
  async ask(primitive: string, id = `q-${randomBytes(6).toString('hex')}`): Promise<number> {
    const from = this.received.length;
    const status = await this.say(transaction('Request', id, primitive));
    if (status !== 200) return -status;
    return this.codeFor(id, from);
  }

  /** The code of an answer under this id. */
  codeFor(id: string, from = 0): Promise<number> {
    return eventually(`an answer to ${id}`, () => {
      for (const document of this.received.slice(from)) {
        const at = document.indexOf(`<Transaction mode="Response" transactionID="${id}"`);
        const code = at < 0 ? undefined : /<Status code="(\d+)"/.exec(document.slice(at))?.[1];
        if (code !== undefined) return Number(code);
      }
      return undefined;
    });
  }

  /** The first document from `from` on that fits. */
  hears(pattern: RegExp, from = 0): Promise<string> {
    return eventually(
      () => `${this.domain} hears ${pattern}: ${this.received.slice(from).join('\n').slice(0, 2000)}`,
      () => this.received.slice(from).find((document) => pattern.test(document)),
    );
  }

  /** Step 1. */
  begin({ as = this.domain, id = 'm-1', misspelt = false, ...options }: SetupOptions = {}): Promise<number> {
    const version = misspelt ? 'procotolVersion="1.3"' : 'protocolVersion="1.3"';
    const token = randomBytes(18).toString('base64');
    return this.post(setup('Request', id, tokenStep(as, token, version)), options);
  }

  /** The token that the other server posted under an id. */
  async tokenFor(id: string, from = 0): Promise<string> {
    const step = await this.hears(
      new RegExp(`<SetupTransaction mode="Response" transactionID="${id}"><SendSecretToken`),
      from,
    );
    return /<SecretToken[^>]*>([^<]+)</.exec(step)?.[1] ?? '';
  }

  /** A whole set-up; resolves with the other server's session id. */
  async login(options: SetupOptions = {}): Promise<string> {
    const { as = this.domain, id = `m-${randomBytes(6).toString('hex')}` } = options;
    const { sessionId = `${randomBytes(18).toString('hex')}@${as}` } = options;
    const from = this.received.length;
    await this.begin({ ...options, id });
    const token = await this.tokenFor(id, from);
    await this.post(setup('Request', id, loginStep(as, md5(token))), options);
    await this.hears(new RegExp(`mode="Response" transactionID="${id}"><LoginRequest`), from);
    await this.post(setup('Request', id, sessionStep(sessionId)), options);
    const last = await this.hears(new RegExp(`mode="Response" transactionID="${id}"><LoginResponse`), from);
    this.sessionId = sessionId;
    return /sessionID="([^"]+)"/.exec(last)?.[1] ?? '';
  }

  /** Breaks all connections to it, as if it had been started anew. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
