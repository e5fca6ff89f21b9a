// One XEP-0114 stream through @xmpp/component 0.13.1, from connect to close. The library is untyped: its loose
// objects stay in this file, XmlElement comes out. A stream is used once; component-link.ts opens the next.

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { RestrictedXml } from './restricted-xml.ts';
import { table } from './table.ts';
import { toXml } from './library-xml.ts';
import type { LibraryElement } from './library-xml.ts';
import type { XmlElement } from './xml.ts';

interface LibraryParser {
  readonly root: { readonly children: unknown[] } | null;
  write(text: string): void;
}

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
  /** A stanza above this many octets is refused, one of ENDLESS times as many ends the stream. */
  readonly maxStanzaBytes: number;
  /** For each of: stream opening, handshake (ms). */
  readonly timeoutMs: number;
}

export interface StreamHandlers {
  stanza(stanza: XmlElement): void;
  /** A stanza that is too large, or nested deeper than MAX_DEPTH: without what is in it. */
  refused(envelope: XmlElement, why: 'too_large' | 'too_deep'): void;
  /** Exactly once, and only after `openStream` resolved. */
  closed(reason: StreamError): void;
}

/** The server lets its users write larger stanzas than we take: that must not end the stream for all others. */
const ENDLESS = 4;
/**
 * Octets that the parser gets at once. COMPAT(ltx): looks to the end of what it has, for each character of a text whose
 * end is not there yet. It is also how exactly stanzas are measured.
 */
const PIECE = 4_096;
const FAREWELL_MS = 1_000;
/** Stanzas kept until `flow`: more than a server sends in one go with the end of the handshake. */
const MAX_EARLY = 1_000;

/** An open, authenticated stream. */
export class ComponentStream {
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  readonly #entity: LibraryComponent;
  readonly #decoder = new StringDecoder('utf8');
  readonly #restricted = new RestrictedXml();
  /** Octets read since the last complete stanza. */
  #pending = 0;
  #online = false;
  /** Stanzas that came before `flow`; undefined from then on. */
  #early: [element: LibraryElement, size: number][] | undefined = [];
  #ended: StreamError | undefined;
  /** Rejected when the stream ends, so that whoever waits for a word of the server does not wait for his time to end. */
  readonly #over = Promise.withResolvers<never>();

  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
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
    for (const [element, size] of early) this.#handOn(element, size);
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

  /**
   * COMPAT(@xmpp/connection): decodes each chunk by itself, so that a character cut in two becomes U+FFFD; lets
   * errors of the parser escape into the socket's event; keeps all text between stanzas; has no size limit.
   */
  #onData(data: Buffer): void {
    for (let start = 0; start < data.length && this.#ended === undefined; start += PIECE)
      this.#onPiece(data.subarray(start, start + PIECE));
  }

  #onPiece(data: Buffer): void {
    const { parser } = this.#entity;
    if (parser === null) return;
    const text = this.#decoder.write(data);
    if (this.#restricted.isIn(text)) {
      const found = 'a document type, a comment or a processing instruction';
      return this.#refuse('restricted-xml', new StreamError('xml', found));
    }
    this.#pending += data.length;
    try {
      parser.write(text);
    } catch (error) {
      const reason = new StreamError('xml', 'malformed XML from the server', { cause: error });
      return this.#refuse('not-well-formed', reason);
    }
    if (parser.root !== null) parser.root.children.length = 0;
    if (this.#pending > ENDLESS * this.#options.maxStanzaBytes) {
      const limit = `a stanza of more than ${ENDLESS * this.#options.maxStanzaBytes} octets`;
      this.#refuse('policy-violation', new StreamError('policy', limit));
    }
  }

  #onStanza(element: LibraryElement): void {
    const size = this.#pending;
    this.#pending = 0;
    if (this.#ended !== undefined) return;
    if (this.#early === undefined) this.#handOn(element, size);
    else if (this.#early.push([element, size]) > MAX_EARLY)
      this.destroy(new StreamError('policy', 'stanzas before the end of the handshake'));
  }

  #handOn(element: LibraryElement, size: number): void {
    const tooLarge = size > this.#options.maxStanzaBytes;
    const stanza = tooLarge ? undefined : toXml(element);
    if (stanza !== undefined) return this.#handlers.stanza(stanza);
    const envelope = toXml({ name: element.name, attrs: element.attrs, children: [] });
    if (envelope !== undefined) this.#handlers.refused(envelope, tooLarge ? 'too_large' : 'too_deep');
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
