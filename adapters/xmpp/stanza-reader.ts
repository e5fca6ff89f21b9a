// What comes over a stream of the @xmpp libraries, on its way to being a stanza: decoded, measured, and kept from
// hurting the parser.

import { StringDecoder } from 'node:string_decoder';
import { toXml } from './library-xml.ts';
import type { LibraryElement } from './library-xml.ts';
import { RestrictedXml } from './restricted-xml.ts';
import type { XmlElement } from './xml.ts';

export interface LibraryParser {
  readonly root: { readonly children: unknown[] } | null;
  write(text: string): void;
}

/** Why a stream cannot be read on: a condition of RFC 6120 section 4.9.3, and words for the log. */
export interface Unreadable {
  readonly condition: 'restricted-xml' | 'not-well-formed' | 'policy-violation';
  readonly text: string;
  readonly cause?: unknown;
}

/** A stanza, or the envelope of one that is too large or nested too deep. */
export type ReadStanza =
  { readonly stanza: XmlElement } | { readonly refused: XmlElement; readonly why: 'too_large' | 'too_deep' };

/** The server lets its users write larger stanzas than we take: that must not end the stream for all others. */
const ENDLESS = 4;
/**
 * Octets that the parser gets at once. COMPAT(ltx): looks to the end of what it has, for each character of a text whose
 * end is not there yet. It is also how exactly stanzas are measured.
 */
const PIECE = 4_096;

/** One stream, with each parser that it has in its time. */
export class StanzaReader {
  readonly #maxStanzaBytes: number;
  #parser: LibraryParser | undefined;
  #decoder = new StringDecoder('utf8');
  #restricted = new RestrictedXml();
  /** Octets read since the last complete stanza. */
  #pending = 0;

  /** A stanza above `maxStanzaBytes` octets is refused, one of ENDLESS times as many ends the stream. */
  constructor(maxStanzaBytes: number) {
    this.#maxStanzaBytes = maxStanzaBytes;
  }

  /**
   * Hands octets to the parser, which tells its listeners of what is complete. Undefined: all well.
   * COMPAT(@xmpp/connection): decodes each chunk by itself, so that a character cut in two becomes U+FFFD; lets
   * errors of the parser escape into the socket's event; keeps all text between stanzas; has no size limit.
   * @param parserNow null: the stream has ended; another one than before: it was restarted
   */
  read(data: Buffer, parserNow: () => LibraryParser | null): Unreadable | undefined {
    for (let start = 0; start < data.length; start += PIECE) {
      const parser = parserNow();
      if (parser === null) return undefined;
      const unreadable = this.#readPiece(data.subarray(start, start + PIECE), parser);
      if (unreadable !== undefined) return unreadable;
    }
    return undefined;
  }

  /** Our form of an element that the parser completed just now. */
  completed(element: LibraryElement): ReadStanza | undefined {
    const isTooLarge = this.#pending > this.#maxStanzaBytes;
    this.#pending = 0;
    const stanza = isTooLarge ? undefined : toXml(element);
    if (stanza !== undefined) return { stanza };
    const refused = toXml({ name: element.name, attrs: element.attrs, children: [] });
    return refused && { refused, why: isTooLarge ? 'too_large' : 'too_deep' };
  }

  #readPiece(data: Buffer, parser: LibraryParser): Unreadable | undefined {
    if (this.#parser !== parser) this.#restart(parser);
    const text = this.#decoder.write(data);
    if (this.#restricted.isIn(text)) {
      const found = 'a document type, a comment or a processing instruction';
      return { condition: 'restricted-xml', text: found };
    }
    this.#pending += data.length;
    try {
      parser.write(text);
    } catch (cause) {
      return { condition: 'not-well-formed', text: 'malformed XML from the server', cause };
    }
    if (parser.root !== null) parser.root.children.length = 0;
    const most = ENDLESS * this.#maxStanzaBytes;
    return this.#pending > most
      ? { condition: 'policy-violation', text: `a stanza of more than ${most} octets` }
      : undefined;
  }

  #restart(parser: LibraryParser): void {
    this.#parser = parser;
    this.#decoder = new StringDecoder('utf8');
    this.#restricted = new RestrictedXml();
    this.#pending = 0;
  }
}
