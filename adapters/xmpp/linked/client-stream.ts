// One client stream (RFC 6120) of a linked account through @xmpp/client 0.14, from connect to close. The library is
// untyped: its loose objects stay in this file. A stream is used once; account-link.ts opens the next.

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { LibraryElement } from '../library-xml.ts';
import { StanzaReader } from '../stanza-reader.ts';
import type { LibraryParser } from '../stanza-reader.ts';
import type { XmlElement } from '../xml.ts';
import { isLoopback } from './settings.ts';

interface MutableElement extends LibraryElement {
  children: (LibraryElement | string | number)[];
}

interface LibrarySocket {
  /** Of the library's own TLS socket: the one inside. */
  readonly socket?: Socket | null;
  readonly writableLength?: number;
  destroy?(reason?: Error): void;
}

interface LibraryClient {
  socket: (LibrarySocket & Partial<Socket>) | null;
  readonly parser: LibraryParser | null;
  readonly jid: { toString(): string } | null;
  timeout: number;
  readonly reconnect: { stop(): void };
  isSecure(): boolean;
  _onData(data: Buffer): void;
  _onElement(element: MutableElement): void;
  _onSeeOtherHost(error: unknown): void;
  on(event: string, listener: (value: never) => void): void;
  removeAllListeners(event: string): void;
  connect(service: string): Promise<unknown>;
  open(options: { domain: string }): Promise<unknown>;
  write(text: string): Promise<void>;
}

type Authenticate = (
  credentials: { readonly username: string; readonly password: string },
  mechanism: string,
) => Promise<void>;

interface Library {
  client(options: {
    domain: string;
    resource: string;
    credentials: (authenticate: Authenticate, mechanisms: readonly string[]) => Promise<void>;
  }): LibraryClient;
}

const library = createRequire(import.meta.url)('@xmpp/client') as Library;

/**
 * `refused`: the server does not take this password, or this account: trying again does not help. `insecure`: there is
 * no safe way to send the password.
 */
export type ClientFailure = 'unreachable' | 'refused' | 'insecure' | 'conflict' | 'policy' | 'lost';

/** Why a stream could not be opened, or ended. */
export class ClientStreamError extends Error {
  override readonly name = 'ClientStreamError';
  readonly failure: ClientFailure;

  constructor(failure: ClientFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface ClientStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  /** The account's localpart. */
  readonly username: string;
  readonly password: string;
  readonly resource: string;
  /** Octets; see StanzaReader. */
  readonly maxStanzaBytes: number;
  /** For each step of opening (ms). */
  readonly timeoutMs: number;
}

export interface ClientStreamHandlers {
  stanza(stanza: XmlElement): void;
  /** A stanza that is too large, or nested too deep: without what is in it. */
  refused(envelope: XmlElement, why: 'too_large' | 'too_deep'): void;
  /** Exactly once, and only after `open` resolved; also when we closed it. */
  closed(reason: ClientStreamError): void;
}

/** What of a stream its account uses; tests have one without a network. */
export interface AccountStream {
  /** Octets written that the server has not taken yet. */
  readonly buffered: number;
  /** Connects, authenticates and binds a resource; resolves with the full JID. @throws ClientStreamError */
  open(): Promise<string>;
  write(text: string): void;
  /** Ends the stream in good order. */
  close(): Promise<void>;
  /** Cuts the connection at once. */
  destroy(reason: ClientStreamError): void;
}

const FAREWELL_MS = 1_000;
/** Features that are taken up; the others are hidden from the library. */
const FEATURES: ReadonlySet<string> = new Set(['starttls', 'mechanisms', 'bind']);

export class ClientStream implements AccountStream {
  readonly #options: ClientStreamOptions;
  readonly #handlers: ClientStreamHandlers;
  readonly #entity: LibraryClient;
  readonly #reader: StanzaReader;
  #online = false;
  #ended: ClientStreamError | undefined;
  /** Rejects when the attempt to open is over; nobody need listen. */
  readonly #doom = Promise.withResolvers<never>();

  constructor(options: ClientStreamOptions, handlers: ClientStreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#reader = new StanzaReader(options.maxStanzaBytes);
    this.#entity = this.#createEntity();
    this.#doom.promise.catch(() => undefined);
  }

  get buffered(): number {
    const { socket } = this.#entity;
    return socket?.socket?.writableLength ?? socket?.writableLength ?? 0;
  }

  async open(): Promise<string> {
    try {
      await Promise.race([this.#begin(), this.#doom.promise]);
    } catch (error) {
      const failure = clientErrorOf(error, 'unreachable');
      this.#end(failure);
      this.#cut();
      throw failure;
    }
    this.#online = true;
    return this.#entity.jid?.toString() ?? '';
  }

  /**
   * COMPAT(@xmpp/connection): its `start` leaves a promise behind that nobody handles when opening fails, and waits for
   * ever for a socket that was cut.
   */
  async #begin(): Promise<void> {
    const { host, port, domain } = this.#options;
    const bound = new Promise((resolve) => this.#entity.on('online', resolve));
    await this.#entity.connect(`xmpp://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#tcp()?.setNoDelay(true);
    await this.#entity.open({ domain });
    await bound;
  }

  write(text: string): void {
    if (this.#ended !== undefined) return;
    this.#entity.write(text).catch((error: unknown) => this.destroy(clientErrorOf(error, 'lost')));
  }

  async close(): Promise<void> {
    this.#end(new ClientStreamError('lost', 'closed by us'));
    const socket = this.#tcp();
    if (socket === undefined || socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const late = setTimeout(() => socket.destroy(), FAREWELL_MS);
    late.unref();
    socket.end('</stream:stream>', () => socket.destroySoon());
    await closed;
    clearTimeout(late);
  }

  destroy(reason: ClientStreamError): void {
    this.#end(reason);
    this.#cut();
  }

  #tcp(): Socket | undefined {
    const { socket } = this.#entity;
    if (socket === null) return undefined;
    return socket.socket === undefined ? (socket as Socket) : (socket.socket ?? undefined);
  }

  #cut(): void {
    this.#tcp()?.destroy();
  }

  #createEntity(): LibraryClient {
    const { domain, resource, timeoutMs } = this.#options;
    const entity = library.client({
      domain,
      resource,
      credentials: (authenticate, mechanisms) => this.#authenticate(authenticate, mechanisms),
    });
    entity.timeout = timeoutMs;
    // COMPAT(@xmpp/client): its reconnect waits a fixed second; we do that.
    entity.reconnect.stop();
    entity._onData = (data) => this.#onData(data);
    const onElement = entity._onElement.bind(entity);
    entity._onElement = (element) => onElement(withoutExtras(element));
    // A server must not send us to whatever address it likes.
    entity._onSeeOtherHost = () =>
      this.destroy(new ClientStreamError('policy', 'the server names another host'));
    entity.on('stanza', (element: LibraryElement) => this.#onStanza(element));
    entity.on('error', (error: unknown) => this.#onError(error));
    entity.on('close', () => this.#onClosed('the server closed the stream'));
    entity.on('disconnect', () => this.#onClosed('connection lost'));
    // COMPAT(@xmpp/client): its middleware answers every IQ itself. It is of use only until the stream is open.
    entity.on('online', () => entity.removeAllListeners('element'));
    return entity;
  }

  /** SCRAM wherever it is offered; the password itself only where nobody can read it on its way. */
  async #authenticate(authenticate: Authenticate, mechanisms: readonly string[]): Promise<void> {
    const { host, username, password } = this.#options;
    const isSafe = this.#entity.isSecure() || isLoopback(host);
    if (!isSafe) throw new ClientStreamError('insecure', 'the server offers no TLS');
    const mechanism = ['SCRAM-SHA-1', 'PLAIN'].find((each) => mechanisms.includes(each));
    if (mechanism === undefined)
      throw new ClientStreamError('insecure', 'the server offers neither SCRAM-SHA-1 nor PLAIN');
    await authenticate({ username, password }, mechanism);
  }

  #onData(data: Buffer): void {
    const unreadable = this.#reader.read(data, () =>
      this.#ended === undefined ? this.#entity.parser : null,
    );
    if (unreadable === undefined) return;
    const { text, cause } = unreadable;
    this.destroy(new ClientStreamError('policy', text, { cause }));
  }

  #onStanza(element: LibraryElement): void {
    const read = this.#reader.completed(element);
    if (!this.#online || this.#ended !== undefined || read === undefined) return;
    if ('stanza' in read) this.#handlers.stanza(read.stanza);
    else this.#handlers.refused(read.refused, read.why);
  }

  #onError(error: unknown): void {
    this.destroy(clientErrorOf(error, this.#online ? 'lost' : 'unreachable'));
  }

  #onClosed(what: string): void {
    this.destroy(new ClientStreamError('lost', what));
  }

  #end(reason: ClientStreamError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    if (this.#online) this.#handlers.closed(reason);
    else this.#doom.reject(reason);
  }
}

/**
 * COMPAT(@xmpp/client): with stream management (XEP-0198) it sometimes counts one stanza too many, which ends the
 * stream; with SASL 2 it asks for tokens that nobody keeps. Neither is seen by it.
 */
function withoutExtras(element: MutableElement): MutableElement {
  if (element.name === 'stream:features') {
    element.children = element.children.filter(
      (child) => typeof child !== 'object' || FEATURES.has(child.name),
    );
  }
  return element;
}

/** Conditions of SASL (RFC 6120 section 6.5) and of streams, and what they mean here. */
const FAILURES: Readonly<Record<string, readonly [ClientFailure, string]>> = {
  'not-authorized': ['refused', 'the server refuses the password'],
  'account-disabled': ['refused', 'the account is disabled'],
  'credentials-expired': ['refused', 'the password has expired'],
  'invalid-authzid': ['refused', 'the server refuses the account'],
  'malformed-request': ['refused', 'the server refuses the password'],
  'mechanism-too-weak': ['insecure', 'the server wants a stronger mechanism than we have'],
  'encryption-required': ['insecure', 'the server wants TLS'],
  conflict: ['conflict', 'another client took our resource'],
  'policy-violation': ['policy', 'the server ended the stream: policy-violation'],
};

function clientErrorOf(error: unknown, otherwise: ClientFailure): ClientStreamError {
  if (error instanceof ClientStreamError) return error;
  const { condition, message } = error as { condition?: unknown; message?: unknown };
  const known =
    typeof condition === 'string' && Object.hasOwn(FAILURES, condition) ? FAILURES[condition] : undefined;
  if (known !== undefined) return new ClientStreamError(known[0], known[1], { cause: error });
  const reason = typeof message === 'string' && message !== '' ? message : 'stream error';
  return new ClientStreamError(otherwise, reason, { cause: error });
}
