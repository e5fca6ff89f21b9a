// The envelope of CSP: WV-CSP-Message, Session, Transaction (CSP XML syntax, section "Top level").
import type { Element } from '../../../wv/element.ts';
import { child, childText, leaf, node } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { NAMESPACES } from '../../../wv/version.ts';
import { canonicalName } from '../schema/lookup.ts';
import type { Decoded } from './errors.ts';
import { BindError } from './errors.ts';

export type SessionType = 'Inband' | 'Outband';
export type Mode = 'Request' | 'Response';

export interface CspTransaction {
  readonly mode: Mode;
  /** As the peer wrote it, trimmed; '' when there is none, as in Polling-Request. */
  readonly id: string;
  /** The name of `content` in the schema's spelling; whether anybody knows it is not checked here. */
  readonly primitive: string;
  readonly content: Element;
  /** ExtBlock elements beside the content. */
  readonly extension?: readonly Element[];
}

export interface CspMessage {
  readonly version: CspVersion;
  readonly sessionType: SessionType;
  readonly sessionId?: string;
  readonly poll?: boolean;
  readonly cir?: boolean;
  readonly transactions: readonly CspTransaction[];
  /** Version discovery, which stands at the root without any envelope. */
  readonly discovery?: true;
}

/** What a message without any sign of its version is taken for. */
const DEFAULT_VERSION: CspVersion = '1.2';
const DISCOVERY = /^WV-CSP-NSDiscovery-Re(?:quest|sponse)$/;

/** Reads the envelope. 400 when there is no transaction with content in it. */
export function readMessage({ root, version = DEFAULT_VERSION }: Decoded): CspMessage | BindError {
  const rootName = canonicalName(root.name);
  if (DISCOVERY.test(rootName)) return discoveryMessage(root, rootName, version);
  const session = child(root, 'Session');
  if (session === undefined) return new BindError(400, 'Session', 'missing');
  const transactions: CspTransaction[] = [];
  for (const candidate of session.children) {
    if (candidate.name !== 'Transaction') continue;
    const transaction = readTransaction(candidate);
    if (transaction instanceof BindError) return transaction;
    transactions.push(transaction);
  }
  if (transactions.length === 0) return new BindError(400, 'Transaction', 'missing');
  return {
    version,
    ...readDescriptor(child(session, 'SessionDescriptor')),
    ...readFlags(root),
    transactions,
  };
}

function discoveryMessage(root: Element, primitive: string, version: CspVersion): CspMessage {
  const mode = primitive.endsWith('Response') ? 'Response' : 'Request';
  const transactions = [{ mode, id: '', primitive, content: root }] as const;
  return { version, sessionType: 'Outband', transactions, discovery: true };
}

function readDescriptor(descriptor: Element | undefined): Pick<CspMessage, 'sessionType' | 'sessionId'> {
  const sessionId = childText(descriptor, 'SessionID')?.trim() ?? '';
  const type = childText(descriptor, 'SessionType')?.trim().toLowerCase();
  const sessionType = type === 'inband' || (type !== 'outband' && sessionId !== '') ? 'Inband' : 'Outband';
  return sessionId === '' ? { sessionType } : { sessionType, sessionId };
}

/** COMPAT(aosp): missing mode means Request. */
function readTransaction(transaction: Element): CspTransaction | BindError {
  const descriptor = child(transaction, 'TransactionDescriptor');
  const content = child(transaction, 'TransactionContent')?.children[0];
  if (content === undefined) return new BindError(400, 'TransactionContent', 'missing or empty');
  const mode =
    childText(descriptor, 'TransactionMode')?.trim().toLowerCase() === 'response' ? 'Response' : 'Request';
  const id = childText(descriptor, 'TransactionID')?.trim() ?? '';
  const extension = transaction.children.filter(({ name }) => name === 'ExtBlock');
  const read = { mode, id, primitive: canonicalName(content.name), content } as const;
  return extension.length === 0 ? read : { ...read, extension };
}

function readFlags(root: Element): Pick<CspMessage, 'poll' | 'cir'> {
  const poll = flag(root, 'Poll');
  const cir = flag(root, 'CIR');
  return { ...(poll === undefined ? {} : { poll }), ...(cir === undefined ? {} : { cir }) };
}

/** The first flag of that name anywhere but in a transaction's content: its place changed from 1.1 to 1.2. */
function flag(element: Element, name: string): boolean | undefined {
  for (const candidate of element.children) {
    if (candidate.name === name) return candidate.text.trim().toUpperCase() === 'T';
    const found = candidate.name === 'TransactionContent' ? undefined : flag(candidate, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

const flagElement = (name: string, value: boolean): Element => leaf(name, value ? 'T' : 'F');

/** The tree of a message with the namespaces of its version. Poll stands where the version wants it. */
export function writeMessage(message: CspMessage): Element {
  const { session } = NAMESPACES[message.version];
  const [first] = message.transactions;
  if (message.discovery && first !== undefined) return { ...first.content, name: first.primitive };
  const children = [
    descriptorOf(message),
    ...message.transactions.map((each) => transactionOf(each, message)),
  ];
  if (message.version !== '1.1') {
    if (message.poll !== undefined) children.push(flagElement('Poll', message.poll));
    if (message.cir !== undefined) children.push(flagElement('CIR', message.cir));
  }
  return node('WV-CSP-Message', [node('Session', children)], session);
}

function descriptorOf({ sessionType, sessionId }: CspMessage): Element {
  const type = leaf('SessionType', sessionType);
  return node('SessionDescriptor', sessionId === undefined ? [type] : [type, leaf('SessionID', sessionId)]);
}

function transactionOf({ mode, id, content, extension = [] }: CspTransaction, message: CspMessage): Element {
  const descriptor = [leaf('TransactionMode', mode), leaf('TransactionID', id)];
  if (message.version === '1.1' && message.poll !== undefined)
    descriptor.push(flagElement('Poll', message.poll));
  return node('Transaction', [
    node('TransactionDescriptor', descriptor),
    node('TransactionContent', [content], NAMESPACES[message.version].transaction),
    ...extension,
  ]);
}
