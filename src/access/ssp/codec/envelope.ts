// The envelope: WV-SSP-Message with one step of the set-up, or with the transactions of a session (ssp.md section 5).

import { node, type Element } from '../../../wv/element.ts';
import {
  SspSyntaxError,
  type Mode,
  type SessionDocument,
  type SetupDocument,
  type SspDocument,
  type SspTransaction,
  type SspVersion,
} from '../document.ts';
import { attributeOf, childrenOf, Unreadable, type ReadContext, type WriteContext } from './parts.ts';
import { modeOf, readRequest, readResponse, unreadable, writeRequest, writeResponse } from './primitives.ts';
import { readStep, writeStep } from './setup.ts';
import { LONGEST_ID } from './values.ts';

const ROOT = 'WV-SSP-Message';

const NAMESPACES: Readonly<Record<SspVersion, string>> = {
  '1.1': 'http://www.wireless-village.org/SSP1.1',
  '1.2': 'http://www.openmobilealliance.org/DTD/WV-SSP1.2',
  '1.3': 'http://www.openmobilealliance.org/DTD/WV-SSP1.3',
};

/** By the tail of the namespace; anything else, and none, is 1.3. */
function versionOf(namespace: string | undefined): SspVersion {
  const tail = /ssp(1\.[123])$/i.exec(namespace?.trim() ?? '')?.[1];
  return (tail as SspVersion | undefined) ?? '1.3';
}

/** What reading depends on besides what the envelope says. */
export type Surroundings = Omit<ReadContext, 'sessionId' | 'transactionId'>;

/** Throws SspSyntaxError for what is no document of SSP. A transaction that cannot be understood spoils no other. */
export function readEnvelope(root: Element, surroundings: Surroundings): SspDocument {
  if (root.name !== ROOT) throw new SspSyntaxError('not a WV-SSP-Message');
  const parts = childrenOf(root, 'SetupTransaction', 'Session');
  const [part] = parts;
  if (part === undefined) throw new SspSyntaxError('neither SetupTransaction nor Session');
  if (parts.length > 1) throw new SspSyntaxError('more than one SetupTransaction or Session');
  const version = versionOf(root.xmlns);
  return part.name === 'Session'
    ? readSession(part, version, surroundings)
    : readSetup(part, version, surroundings);
}

function readMode(element: Element): Mode | undefined {
  const mode = attributeOf(element, 'mode')?.toLowerCase();
  if (mode === 'request') return 'Request';
  return mode === 'response' ? 'Response' : undefined;
}

// ---- set-up

function readSetup(element: Element, version: SspVersion, surroundings: Surroundings): SetupDocument {
  const mode = readMode(element);
  const [step, ...more] = element.children;
  if (mode === undefined) throw new SspSyntaxError('SetupTransaction without a mode');
  if (step === undefined || more.length > 0)
    throw new SspSyntaxError('SetupTransaction with other than one step');
  const transactionId = attributeOf(element, 'transactionID') ?? '';
  if (transactionId.length > LONGEST_ID) throw new SspSyntaxError('transactionID is too long');
  const context = { ...surroundings, transactionId, sessionId: '' };
  return { kind: 'setup', version, mode, transactionId, step: understood(() => readStep(step, context)) };
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) throw new SspSyntaxError(error.message, { cause: error });
    throw error;
  }
}

// ---- session

function readSession(element: Element, version: SspVersion, surroundings: Surroundings): SessionDocument {
  const sessionId = attributeOf(element, 'sessionID');
  if (sessionId === undefined) throw new SspSyntaxError('Session without sessionID');
  const transactions = childrenOf(element, 'Transaction').map((transaction) =>
    readTransaction(transaction, sessionId, surroundings),
  );
  return { kind: 'session', version, sessionId, transactions };
}

function readTransaction(element: Element, sessionId: string, surroundings: Surroundings): SspTransaction {
  const [primitive] = element.children;
  const transactionId = (attributeOf(element, 'transactionID') ?? '').slice(0, LONGEST_ID);
  const name = primitive?.name ?? '';
  const mode = readMode(element) ?? modeOf(name);
  const fault = faultOf(element, transactionId);
  if (fault !== undefined || primitive === undefined) {
    return { mode, transactionId, content: unreadable(name, 400, fault ?? 'no primitive') };
  }
  const context = { ...surroundings, sessionId, transactionId };
  return mode === 'Request'
    ? { mode, transactionId, content: readRequest(primitive, context) }
    : { mode, transactionId, content: readResponse(primitive, context) };
}

function faultOf(element: Element, transactionId: string): string | undefined {
  if (transactionId === '') return 'transactionID is missing';
  if ((attributeOf(element, 'transactionID') ?? '').length > LONGEST_ID) return 'transactionID is too long';
  return element.children.length > 1 ? 'more than one primitive' : undefined;
}

// ---- writing

export function writeEnvelope(document: SspDocument, context: WriteContext): Element {
  const inside = document.kind === 'setup' ? writeSetup(document, context) : writeSession(document, context);
  return node(ROOT, [inside], NAMESPACES[document.version]);
}

function writeSetup({ mode, transactionId, step }: SetupDocument, context: WriteContext): Element {
  return {
    ...node('SetupTransaction', [writeStep(step, context)]),
    attributes: { mode, transactionID: transactionId },
  };
}

function writeSession({ sessionId, transactions }: SessionDocument, context: WriteContext): Element {
  return {
    ...node(
      'Session',
      transactions.map((transaction) => writeTransaction(transaction, context)),
    ),
    attributes: { sessionID: sessionId },
  };
}

function writeTransaction(transaction: SspTransaction, context: WriteContext): Element {
  const { mode, transactionId } = transaction;
  const primitive =
    transaction.mode === 'Request'
      ? writeRequest(transaction.content, context)
      : writeResponse(transaction.content, context);
  return { ...node('Transaction', [primitive]), attributes: { mode, transactionID: transactionId } };
}
