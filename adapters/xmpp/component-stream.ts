// One XEP-0114 stream through @xmpp/component 0.13.1, from connect to close. The library is untyped: its loose
// objects stay in this file, XmlElement comes out. A stream is used once; component-link.ts opens the next.

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { NS } from './namespaces.ts';
import type { XmlElement } from './xml.ts';

/** What the library's element objects look like; never `instanceof`, several copies of the class may be loaded. */
interface LibraryElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: readonly (LibraryElement | string | number)[];
}

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
  /** A stanza above this many octets ends the stream. */
  readonly maxStanzaBytes: number;
  /** For each of: stream opening, handshake (ms). */
  readonly timeoutMs: number;
}

export interface StreamHandlers {
  stanza(stanza: XmlElement): void;
  /** A stanza nested deeper than MAX_DEPTH was dropped. */
  tooDeep(): void;
  /** Exactly once, and only after `openStream` resolved. */
  closed(reason: StreamError): void;
}

const MAX_DEPTH = 64;
const FAREWELL_MS = 1_000;

/** An open, authenticated stream. */
export class ComponentStream {
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  readonly #entity: LibraryComponent;
  readonly #decoder = new StringDecoder('utf8');
  /** Octets read since the last complete stanza. */
  #pending = 0;
  #online = false;
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

  /** Connects and authenticates. @throws StreamError */
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
    const { parser } = this.#entity;
    if (this.#ended !== undefined || parser === null) return;
    this.#pending += data.length;
    try {
      parser.write(this.#decoder.write(data));
    } catch (error) {
      this.#refuse(
        'not-well-formed',
        new StreamError('xml', 'malformed XML from the server', { cause: error }),
      );
      return;
    }
    if (parser.root !== null) parser.root.children.length = 0;
    if (this.#pending > this.#options.maxStanzaBytes) {
      const limit = `a stanza of more than ${this.#options.maxStanzaBytes} octets`;
      this.#refuse('policy-violation', new StreamError('policy', limit));
    }
  }

  #onStanza(element: LibraryElement): void {
    this.#pending = 0;
    if (!this.#online || this.#ended !== undefined) return;
    const stanza = toXml(element, { '': NS.component }, 0);
    if (stanza === undefined) this.#handlers.tooDeep();
    else this.#handlers.stanza(stanza);
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

const FAILURES: Readonly<Record<string, readonly [StreamFailure, string]>> = {
  'not-authorized': ['secret-refused', 'the server refused the component secret'],
  'host-unknown': ['secret-refused', 'the server knows no component of this domain'],
  conflict: ['conflict', 'another component of this domain is connected'],
  'policy-violation': ['policy', 'the server ended the stream: policy-violation'],
};

function streamErrorOf(error: unknown, otherwise: StreamFailure): StreamError {
  if (error instanceof StreamError) return error;
  const { condition, message } = error as { condition?: unknown; message?: unknown };
  const known = typeof condition === 'string' ? FAILURES[condition] : undefined;
  if (known !== undefined) return new StreamError(known[0], known[1], { cause: error });
  const reason = typeof message === 'string' && message !== '' ? message : 'stream error';
  return new StreamError(otherwise, reason, { cause: error });
}

type Scope = Readonly<Record<string, string>>;

function scopeOf(element: LibraryElement, outer: Scope): Scope {
  const declared = Object.entries(element.attrs).filter(
    ([name]) => name === 'xmlns' || name.startsWith('xmlns:'),
  );
  if (declared.length === 0) return outer;
  return { ...outer, ...Object.fromEntries(declared.map(([name, uri]) => [name.slice(6), uri ?? ''])) };
}

function attributesOf(element: LibraryElement): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const [name, value] of Object.entries(element.attrs)) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:') && value !== undefined) attrs[name] = value;
  }
  return attrs;
}

/** Our form of the library's element, prefixes resolved. Undefined when it is nested too deep. */
function toXml(element: LibraryElement, outer: Scope, depth: number): XmlElement | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const scope = scopeOf(element, outer);
  const colon = element.name.indexOf(':');
  const children: (XmlElement | string)[] = [];
  for (const child of element.children) {
    const converted = typeof child === 'object' ? toXml(child, scope, depth + 1) : String(child);
    if (converted === undefined) return undefined;
    children.push(converted);
  }
  return {
    name: element.name.slice(colon + 1),
    ns: scope[colon < 0 ? '' : element.name.slice(0, colon)] ?? '',
    attrs: attributesOf(element),
    children,
  };
}
