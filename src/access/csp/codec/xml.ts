// CSP messages as XML (OMA-WV-CSP_Syntax): text ⇄ element tree, over saxes. Entities and external DTDs are
// never resolved; prefixed names are read by their local part; whatever is written has no prefix at all.
import { SaxesParser } from 'saxes';
import type { Element } from '../../../wv/element.ts';
import { versionOfNamespace } from '../../../wv/version.ts';
import { ignoresBlanks } from '../schema/lookup.ts';
import { documentText, localName, looseText } from './characters.ts';
import type { Decoded, DecodeLimits, PartialMessage } from './errors.ts';
import { catching, CodecError, isCodecError, versionOfPublicId, withDefaults } from './errors.ts';
import { readProlog } from './xml-prolog.ts';

export { encodeXml } from './xml-writer.ts';

/**
 * Reads one XML document. Gives an error for what is not well formed, for DOCTYPEs that define anything and
 * for documents beyond the limits; never throws. Takes time and memory in proportion to the octets.
 */
export function decodeXml(bytes: Uint8Array, limits: DecodeLimits = {}): Decoded | CodecError {
  const bounds = withDefaults(limits);
  if (bytes.length > bounds.maxBytes) return new CodecError('too-large', `over ${bounds.maxBytes} octets`);
  const decoded = catching(() => readDocument(documentText(bytes), bounds));
  if (!isCodecError(decoded)) return decoded;
  const { kind, message, offset, partial } = decoded;
  return new CodecError(kind, message, offset, partialOf(looseText(bytes), partial?.root));
}

function readDocument(text: string, bounds: Required<DecodeLimits>): Decoded {
  const prolog = readProlog(text);
  const root = new TreeBuilder(bounds, prolog.end).read(text.slice(prolog.end));
  const version = versionOfNamespace(root.xmlns) ?? versionOfPublicId(prolog.doctype);
  return { root, version, encoding: 'xml' };
}

// Bounded in every repetition: they run over documents that are broken, perhaps on purpose.
const SESSION_ID = /<(?:[\w.-]{1,30}:)?SessionID\s{0,9}>([^<&]{1,300})</;
const TRANSACTION_ID = /<(?:[\w.-]{1,30}:)?TransactionID\s{0,9}>([^<&]{1,300})</;
const SESSION_NAMESPACE = /["'][^"'<>]{0,60}csp(1\.[123])["']/i;

/** COMPAT(movistar-php): one of its requests has a broken xmlns attribute; its session is answered all the same. */
function partialOf(text: string, root: Element | undefined): PartialMessage | undefined {
  const sessionId = SESSION_ID.exec(text)?.[1]?.trim();
  const transactionId = TRANSACTION_ID.exec(text)?.[1]?.trim();
  const version = versionOfNamespace(SESSION_NAMESPACE.exec(text)?.[0].slice(1, -1));
  const nothing = sessionId === undefined && transactionId === undefined && version === undefined;
  if (nothing && root === undefined) return undefined;
  return {
    ...(root === undefined ? {} : { root }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(version === undefined ? {} : { version }),
  };
}

/** An element while it is read. */
interface Draft extends Element {
  xmlns?: string;
  attributes?: Readonly<Record<string, string>>;
  text: string;
  readonly children: Draft[];
}

interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const BLANK = /^[ \t\r\n]*$/;

/** Builds the tree from the events of saxes, and counts what it costs. */
class TreeBuilder {
  private readonly open: Draft[] = [];
  /** Namespace by prefix, of the whole document: IMPS documents do not redefine prefixes. */
  private readonly prefixes = new Map<string, string>();
  private readonly bounds: Required<DecodeLimits>;
  private readonly start: number;
  private root: Draft | undefined;
  private count = 0;
  private characters = 0;

  constructor(bounds: Required<DecodeLimits>, start: number) {
    this.bounds = bounds;
    this.start = start;
  }

  read(text: string): Element {
    const parser = new SaxesParser({ xmlns: false, position: false });
    const fail = (kind: CodecError['kind'], message: string): never => {
      const { root } = this;
      const partial = root === undefined ? undefined : { root };
      throw new CodecError(kind, message, this.start + parser.position, partial);
    };
    parser.on('error', (error) => fail('malformed', error.message));
    parser.on('doctype', () => fail('doctype', 'DOCTYPE after the beginning'));
    parser.on('opentag', (tag) => {
      if (this.open.length >= this.bounds.maxDepth) fail('too-deep', `over ${this.bounds.maxDepth} levels`);
      this.begin(tag);
      if (this.count > this.bounds.maxElements) fail('too-many', `over ${this.bounds.maxElements} elements`);
    });
    parser.on('closetag', () => this.end());
    const onText = (piece: string): void => {
      this.characters += piece.length;
      if (this.characters > this.bounds.maxText) fail('too-large', `over ${this.bounds.maxText} characters`);
      const current = this.open.at(-1);
      if (current !== undefined) current.text += piece;
    };
    parser.on('text', onText);
    parser.on('cdata', onText);
    parser.write(text).close();
    return this.root ?? fail('malformed', 'no element');
  }

  private begin(tag: Tag): void {
    const colon = tag.name.indexOf(':');
    const name = colon < 0 ? tag.name : localName(tag.name);
    if (name === undefined) throw new CodecError('malformed', 'name that is only a prefix', this.start);
    const draft: Draft = { name, text: '', children: [] };
    this.takeAttributes(draft, Object.entries(tag.attributes));
    if (colon >= 0) this.resolve(draft, tag.name.slice(0, colon));
    this.count += 1;
    this.open.at(-1)?.children.push(draft);
    this.root ??= draft;
    this.open.push(draft);
  }

  private takeAttributes(draft: Draft, attributes: readonly [string, string][]): void {
    const others: [string, string][] = [];
    for (const [name, value] of attributes) {
      if (name === 'xmlns') draft.xmlns = value;
      else if (name.startsWith('xmlns:')) this.prefixes.set(name.slice(6), value);
      else if (!name.includes(':')) others.push([name, value]);
    }
    if (others.length > 0) draft.attributes = Object.fromEntries(others);
    this.count += attributes.length;
  }

  /** A prefixed element declares its namespace unless its parent is in the same one. */
  private resolve(draft: Draft, prefix: string): void {
    const namespace = this.prefixes.get(prefix);
    const inherited = this.open.findLast((element) => element.xmlns !== undefined)?.xmlns;
    if (namespace !== undefined && namespace !== inherited) draft.xmlns = namespace;
  }

  private end(): void {
    const draft = this.open.pop();
    if (draft === undefined || draft.text === '' || !BLANK.test(draft.text)) return;
    if (draft.children.length > 0 || ignoresBlanks(draft.name)) draft.text = '';
  }
}
