// One XEP-0114 stream through @xmpp/component 0.13.1, from connect to close. The library is untyped: its loose
// objects stay in this file, XmlElement comes out. A stream is used once; component-link.ts opens the next.

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { table } from './table.ts';
import type { LibraryElement } from './library-xml.ts';
import { StanzaReader } from './stanza-reader.ts';
import type { LibraryParser, ReadStanza } from './stanza-reader.ts';
import type { XmlElement } from './xml.ts';

interface LibraryComponent {
  socket: Socket | null;
  parser: LibraryParser | null;
  timeout: number;
  readonly reconnect: { stop(): void };
  _onData(data: Buffer): void;
  on(event: string, listener: (value: unknown) => void): void;
  removeAllListeners(event: string): void;
  connect(service: string): Promise<unknown>;
  open(options: { domain: string }): Promise<LibraryElement>;
  authenticate(streamId: unknown, secret: string): Promise<void>;
  write(text: string): Promise<void>;
}

interface Library {
  component(options: { service: string; domain: string; password: string }): LibraryComponent;
}

// The library is CommonJS without types; require gives it to us without a declaration file.
const library = createRequire(import.meta.url)('@xmpp/component') as Library;

export type StreamFailure = 'unreachable' | 'secret-refused' | 'conflict' | 'policy' | 'xml' | 'lost';

/** Why a stream could not be opened, or ended. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly failure: StreamFailure;

  constructor(failure: StreamFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface StreamOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly secret: string;
  /** Octets; see StanzaReader. */
  readonly maxStanzaBytes: number;
  /** For each of: stream opening, handshake (ms). */
  readonly timeoutMs: number;
}

export interface StreamHandlers {
  stanza(stanza: XmlElement): void;
  /** A stanza that is too large, or nested too deep: without what is in it. */
  refused(envelope: XmlElement, why: 'too_large' | 'too_deep'): void;
  /** Exactly once, and only after `openStream` resolved. */
  closed(reason: StreamError): void;
}

const FAREWELL_MS = 1_000;
/** Stanzas kept until `flow`: more than a server sends in one go with the end of the handshake. */
const MAX_EARLY = 1_000;

/** An open, authenticated stream. */
export class ComponentStream {
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  readonly #entity: LibraryComponent;
  readonly #reader: StanzaReader;
  #online = false;
  /** Stanzas that came before `flow`; undefined from then on. */
  #early: ReadStanza[] | undefined = [];
  #ended: StreamError | undefined;
  /** Rejected when the stream ends, so that whoever waits for a word of the server does not wait for his time to end. */
  readonly #over = Promise.withResolvers<never>();

  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#reader = new StanzaReader(options.maxStanzaBytes);
    this.#entity = this.#createEntity();
    this.#over.promise.catch(() => undefined);
  }

  /** Octets written that the server has not taken yet. */
  get buffered(): number {
    return this.#entity.socket?.writableLength ?? 0;
  }

  /**
   * Connects and authenticates. Stanzas wait for `flow`: servers send the first, what they permit us (XEP-0356) among
   * them, in one packet with the end of the handshake.
   * @throws StreamError
   */
  async open(): Promise<void> {
    try {
      await Promise.race([this.#authenticate(), this.#over.promise]);
      if (this.#ended !== undefined) throw this.#ended;
      this.#online = true;
    } catch (error) {
      const failure = streamErrorOf(error, 'unreachable');
      this.#end(failure);
      this.#entity.socket?.destroy();
      throw failure;
    }
  }

  async #authenticate(): Promise<void> {
    const { host, port, domain, secret } = this.#options;
    await this.#entity.connect(`xmpp://${host.includes(':') ? `[${host}]` : host}:${port}`);
    this.#entity.socket?.setNoDelay(true);
    const header = await this.#entity.open({ domain });
    await this.#entity.authenticate(header.attrs['id'], secret);
  }

  /** Hands on what came already, and from now on what comes. */
  flow(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const read of early) this.#handOn(read);
  }

  /** Queues text for the server. Whether it arrives, only a later answer of the server tells. */
  write(text: string): void {
    this.#entity.write(text).catch((error: unknown) => this.destroy(streamErrorOf(error, 'lost')));
  }

  /** Ends the stream in good order; what was written before goes out first. Resolves when the socket is closed. */
  async close(): Promise<void> {
    const { socket } = this.#entity;
    this.#end(new StreamError('lost', 'closed by us'));
    if (socket === null || socket.destroyed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#farewell('</stream:stream>');
    await closed;
  }

  /** Cuts the connection at once. */
  destroy(reason: StreamError): void {
    this.#end(reason);
    // With the reason, so that an attempt under way fails now instead of waiting for an event that never comes.
    this.#entity.socket?.destroy(reason);
  }

  #createEntity(): LibraryComponent {
    const { host, port, domain, secret, timeoutMs } = this.#options;
    const entity = library.component({ service: `xmpp://${host}:${port}`, domain, password: secret });
    entity.timeout = timeoutMs;
    // COMPAT(@xmpp/component): its reconnect waits a fixed second, its middleware answers every IQ itself, and
    // its own authentication reports one failure twice. We do all three.
    entity.reconnect.stop();
    entity.removeAllListeners('element');
    entity.removeAllListeners('open');
    entity._onData = (data) => this.#onData(data);
    entity.on('stanza', (element) => this.#onStanza(element as LibraryElement));
    entity.on('error', (error) => this.#onError(error));
    entity.on('close', () => this.destroy(new StreamError('lost', 'the server closed the stream')));
    entity.on('disconnect', () =>
      this.#end(new StreamError(this.#online ? 'lost' : 'unreachable', 'connection lost')),
    );
    return entity;
  }

  #onData(data: Buffer): void {
    const unreadable = this.#reader.read(data, () =>
      this.#ended === undefined ? this.#entity.parser : null,
    );
    if (unreadable === undefined) return;
    const { condition, text, cause } = unreadable;
    const failure = condition === 'policy-violation' ? 'policy' : 'xml';
    this.#refuse(condition, new StreamError(failure, text, { cause }));
  }

  #onStanza(element: LibraryElement): void {
    const read = this.#reader.completed(element);
    if (this.#ended !== undefined || read === undefined) return;
    if (this.#early === undefined) this.#handOn(read);
    else if (this.#early.push(read) > MAX_EARLY)
      this.destroy(new StreamError('policy', 'stanzas before the end of the handshake'));
  }

  #handOn(read: ReadStanza): void {
    if ('stanza' in read) this.#handlers.stanza(read.stanza);
    else this.#handlers.refused(read.refused, read.why);
  }

  #onError(error: unknown): void {
    if (this.#online) this.destroy(streamErrorOf(error, 'lost'));
    // What the server says of why it ends the stream counts, not the end that follows.
    else this.#end(streamErrorOf(error, 'unreachable'));
  }

  #refuse(condition: string, reason: StreamError): void {
    this.#end(reason);
    this.#farewell(
      `<stream:error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>`,
    );
  }

  #farewell(text: string): void {
    const { socket } = this.#entity;
    if (socket === null) return;
    // Whatever the server goes on sending.
    const late = setTimeout(() => socket.destroy(), FAREWELL_MS);
    late.unref();
    socket.once('close', () => clearTimeout(late));
    socket.end(text, () => socket.destroySoon());
  }

  #end(reason: StreamError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#over.reject(reason);
    if (this.#online) this.#handlers.closed(reason);
  }
}

const FAILURES = table<readonly [StreamFailure, string]>({
  'not-authorized': ['secret-refused', 'the server refused the component secret'],
  'host-unknown': ['secret-refused', 'the server knows no component of this domain'],
  conflict: ['conflict', 'another component of this domain is connected'],
  'policy-violation': ['policy', 'the server ended the stream: policy-violation'],
});

function streamErrorOf(error: unknown, otherwise: StreamFailure): StreamError {
  if (error instanceof StreamError) return error;
  const { condition, message } = error as { condition?: unknown; message?: unknown };
  const known = typeof condition === 'string' ? FAILURES[condition] : undefined;
  if (known !== undefined) return new StreamError(known[0], known[1], { cause: error });
  const reason = typeof message === 'string' && message !== '' ? message : 'stream error';
  return new StreamError(otherwise, reason, { cause: error });
}
