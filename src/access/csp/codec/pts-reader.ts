// PTS → element tree, the same that the XML of the message would give. What has no known code is not guessed: it
// stands in the tree as `PTS-` and its code, with its value as it was written.
import type { Element } from '../../../wv/element.ts';
import { leaf, node } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { NAMESPACES } from '../../../wv/version.ts';
import { contentOf } from '../schema/lookup.ts';
import type { PtsForm } from '../schema/pts-codes.ts';
import { PTS_FORMS } from '../schema/pts-codes.ts';
import type { Decoded, DecodeLimits, PartialMessage } from './errors.ts';
import { CodecError, withDefaults } from './errors.ts';
import { readAttributes } from './pts-attributes.ts';
import type { Preamble, PtsValue } from './pts-text.ts';
import { isList, readParameters, readPreamble } from './pts-text.ts';
import type { Parameters, Place, PtsPrimitive } from './pts-tables.ts';
import * as pts from './pts-tables.ts';
import { strictText } from './utf8.ts';

/**
 * Reads one whole message of PTS in UTF-8; one segment of a message is an error that says so (pts-segments.ts puts
 * them together). Never throws; offsets of errors are characters. Takes time and memory in proportion to the octets.
 */
export function decodePts(bytes: Uint8Array, limits: DecodeLimits = {}): Decoded | CodecError {
  const bounds = withDefaults(limits);
  if (bytes.length > Math.min(bounds.maxBytes, bounds.maxText))
    return new CodecError('too-large', `over ${bounds.maxBytes} octets`);
  const text = strictText(bytes, 0, bytes.length);
  if (text === undefined) return new CodecError('unsupported-charset', 'octets are not UTF-8');
  const message = new Message(text);
  try {
    message.read(bounds);
    return { root: message.root(), version: message.version, encoding: 'pts' };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return new CodecError(error.kind, error.message, error.offset, message.partial());
  }
}

/** Login carries the SessionID of the session to be, every other message that of the session it is in. */
const holdsSessionId = (primitive: string): boolean => primitive.startsWith('Login-');

type Rows = Extract<PtsForm, { readonly form: 'rows' }>;

class Message {
  private readonly text: string;
  private preamble: Preamble | undefined;
  private primitive: PtsPrimitive | undefined;
  private parameters: Parameters = pts.parametersOf('');
  private sessionId: string | undefined;
  private readonly children: Element[] = [];

  constructor(text: string) {
    this.text = text;
  }

  get version(): CspVersion | undefined {
    return this.preamble?.version;
  }

  read(bounds: Required<DecodeLimits>): void {
    const preamble = readPreamble(this.text);
    this.preamble = preamble;
    this.primitive = pts.primitiveOf(preamble.code);
    this.parameters = pts.parametersOf(this.primitive?.name ?? '');
    const { segment } = preamble;
    if (segment !== undefined && segment.last > 0) {
      const which = `segment ${segment.index + 1} of ${segment.last + 1}`;
      throw new CodecError('unsupported-document', `${which}: the others are needed`, preamble.end);
    }
    for (const { code, value } of readParameters(this.text, preamble.end, bounds)) this.take(code, value);
    this.children.sort((a, b) => this.rank(a.name) - this.rank(b.name));
  }

  private take(code: string, value: PtsValue | undefined): void {
    if (
      code === 'SI' &&
      value !== undefined &&
      !isList(value) &&
      !holdsSessionId(this.primitive?.name ?? '')
    ) {
      this.sessionId ??= value.text;
      return;
    }
    const place = this.parameters.byCode.get(code);
    if (place === undefined) this.children.push(this.unknown(code, value));
    else if (value === undefined) this.children.push(wrapped(place, [node(place.name)]));
    else for (const element of this.elements(place, value)) this.children.push(wrapped(place, [element]));
  }

  private unknown(code: string, value: PtsValue | undefined): Element {
    return leaf(`${pts.UNKNOWN}${code}`, value === undefined ? '' : this.raw(value));
  }

  private raw({ at, end }: PtsValue): string {
    return this.text.slice(at, end);
  }

  /** The elements that a parameter stands for: one, or of those that may repeat one a member. */
  private elements({ name }: Place, value: PtsValue): Element[] {
    const primitive = this.primitive?.name ?? '';
    const form = PTS_FORMS[name]?.form;
    if (!isList(value) || (form !== undefined && form !== 'tuple'))
      return [this.element(name, primitive, value)];
    // A tuple begins with a text: PR=(user,(…)) is one Presence, PR=((user,(…)),…) are several.
    const [first] = value.members;
    if (form === 'tuple' && first !== undefined && !isList(first))
      return [this.element(name, primitive, value)];
    return value.members.map((member) => this.element(name, primitive, member));
  }

  private element(name: string, parent: string, value: PtsValue): Element {
    const form = PTS_FORMS[name];
    switch (form?.form) {
      case undefined:
        return this.leaf(name, parent, value);
      case 'tuple':
        return this.tuple(name, form.children, value);
      case 'rows':
        return this.rows(name, form, value);
      case 'pairs':
        return node(
          name,
          rowsOf(value).map((member) => this.capability(name, member)),
        );
      case 'features':
        return this.functions(name, value);
      case 'attributes':
        return this.presenceSubList(parent, value);
    }
  }

  private leaf(name: string, parent: string, value: PtsValue): Element {
    if (isList(value)) return leaf(name, this.raw(value));
    const text = pts.valuesOf(name, parent).nameOf(value.text) ?? value.text;
    const content = contentOf(name);
    const bare = content?.kind === 'structure' ? content.bareText : undefined;
    if (bare === undefined) return leaf(name, text);
    // COMPAT(s60): an all-digit client id is a number to dial, everything else a URL.
    return node(name, [
      leaf(bare === 'URL' && /^\+?\d+$/.test(text) && name === 'ClientID' ? 'MSISDN' : bare, text),
    ]);
  }

  private tuple(name: string, names: readonly string[], value: PtsValue): Element {
    const children: Element[] = [];
    for (const [index, member] of (isList(value) ? value.members : [value]).entries()) {
      const child = names[index];
      if (child === undefined) children.push(leaf(pts.EXTRA, this.raw(member)));
      else if (isList(member) || member.text !== '' || member.quoted)
        children.push(this.element(child, name, member));
    }
    return node(name, children);
  }

  private rows(name: string, form: Rows, value: PtsValue): Element {
    const rows = form.bare === undefined ? rowsOf(value) : membersOf(value);
    return node(
      name,
      rows.map((row) => this.row(form, row)),
    );
  }

  private row({ of, bare, alone }: Rows, value: PtsValue): Element {
    if (!isList(value)) return leaf(bare ?? pts.EXTRA, value.text);
    const row = this.tuple(of, tupleOf(of), value);
    const [only, ...others] = row.children;
    const isBare = alone === true && others.length === 0 && only?.name === bare;
    return isBare && only !== undefined ? only : row;
  }

  private capability(parent: string, value: PtsValue): Element {
    const [code, given, ...more] = membersOf(value);
    if (code === undefined || isList(code) || given === undefined || more.length > 0)
      return leaf(pts.EXTRA, this.raw(value));
    const known = pts.capabilities.nameOf(code.text);
    if (known === undefined) return this.coded(code.text, given);
    const name = known === 'CIRHTTPAddress' && this.version !== '1.3' ? 'CIRURL' : known;
    return this.leaf(name, parent, given);
  }

  private coded(code: string, value: PtsValue): Element {
    return /^[A-Za-z\d]{1,8}$/.test(code)
      ? leaf(`${pts.UNKNOWN}${code.toUpperCase()}`, this.raw(value))
      : leaf(pts.EXTRA, this.raw(value));
  }

  private functions(name: string, value: PtsValue): Element {
    const parts = membersOf(value).map((member) => {
      if (isList(member)) return leaf(pts.EXTRA, this.raw(member));
      const known = pts.features.nameOf(member.text);
      return known === undefined ? this.coded(member.text, { ...member, at: 0, end: 0 }) : node(known);
    });
    const inside = parts.filter((part) => part.name !== pts.FEATURE_ROOT);
    return node(name, [node(pts.FEATURE_ROOT, inside)]);
  }

  /** Under PS stands what is asked for; in a Presence and under UV, what is told. */
  private presenceSubList(parent: string, value: PtsValue): Element {
    const told = parent === 'Presence' || parent === 'UpdatePresence-Request';
    const children = readAttributes(value, told, (member) => this.raw(member));
    return node('PresenceSubList', children, NAMESPACES[this.version ?? '1.2'].presence);
  }

  private rank(name: string): number {
    const content = contentOf(this.primitive?.name ?? '');
    if (content?.kind !== 'structure') return 0;
    const at = content.particles.findIndex((particle) => particle.name === name);
    return at < 0 ? content.particles.length : at;
  }

  /** The message, or what was read of it. Version discovery has no namespaces yet. */
  root(): Element {
    const { version } = this;
    const namespaces = version === undefined ? undefined : NAMESPACES[version];
    const { code = '', transactionId = '' } = this.preamble ?? {};
    const content = node(this.primitive?.name ?? `${pts.UNKNOWN}${code}`, this.children);
    const mode = this.primitive === undefined ? [] : [leaf('TransactionMode', this.primitive.mode)];
    const transaction = node('Transaction', [
      node('TransactionDescriptor', [...mode, leaf('TransactionID', transactionId)]),
      node('TransactionContent', [content], namespaces?.transaction),
    ]);
    const session = node('Session', [this.descriptor(), transaction]);
    return node('WV-CSP-Message', [session], namespaces?.session);
  }

  private descriptor(): Element {
    const { sessionId } = this;
    const type = leaf('SessionType', sessionId === undefined ? 'Outband' : 'Inband');
    return node('SessionDescriptor', sessionId === undefined ? [type] : [type, leaf('SessionID', sessionId)]);
  }

  partial(): PartialMessage | undefined {
    if (this.preamble === undefined) return undefined;
    const { version, sessionId, preamble } = this;
    return {
      transactionId: preamble.transactionId,
      ...(version === undefined ? {} : { version }),
      ...(sessionId === undefined ? {} : { sessionId }),
      root: this.root(),
    };
  }
}

const wrapped = ({ wrapper }: Place, elements: readonly [Element]): Element =>
  wrapper === undefined ? elements[0] : node(wrapper, elements);

/** `()` is a list of nothing, although it is written like a list of one empty text. */
function membersOf(value: PtsValue): readonly PtsValue[] {
  if (!isList(value)) return [value];
  const [only, ...more] = value.members;
  const nothing =
    only !== undefined && more.length === 0 && !isList(only) && only.text === '' && !only.quoted;
  return nothing ? [] : value.members;
}

/** Rows; one row may stand without the parentheses of the list around it. */
function rowsOf(value: PtsValue): readonly PtsValue[] {
  const members = membersOf(value);
  const [first] = members;
  return first !== undefined && !isList(first) ? [value] : members;
}

function tupleOf(name: string): readonly string[] {
  const form = PTS_FORMS[name];
  return form?.form === 'tuple' ? form.children : [];
}
