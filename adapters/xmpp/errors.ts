// Status codes of IMPS and stanza errors of XMPP (RFC 6120 section 8.3.3), both ways, as data (bridging section 12).

import type { Result, StatusCode } from '../../src/wv/status.ts';
import { STATUS } from '../../src/wv/status.ts';
import { parseJid } from './jid.ts';
import type { JidParts } from './jid.ts';
import { NS } from './namespaces.ts';
import { table } from './table.ts';
import { childOf, elementsOf, stanza, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type ErrorType = 'cancel' | 'modify' | 'auth' | 'wait';

export interface StanzaError {
  readonly condition: string;
  readonly type: ErrorType;
  readonly text?: string;
  /** The condition of an extension. */
  readonly detail?: XmlElement;
}

const UNREACHABLE: StanzaError = { condition: 'service-unavailable', type: 'cancel' };

/** 503 with a time after which to try again. */
const RATE_LIMIT: StanzaError = { condition: 'resource-constraint', type: 'wait', text: STATUS[503] };

/**
 * An unknown user (531), one who blocked the sender (532) and one who rejects look alike on purpose: a block
 * must look like absence (bridging sections 6, 12; RFC 6121 section 8.5.1 asks the same of servers).
 */
const TO_XMPP: { readonly [Code in StatusCode]?: StanzaError } = {
  400: { condition: 'bad-request', type: 'modify' },
  401: { condition: 'not-authorized', type: 'auth' },
  402: { condition: 'bad-request', type: 'modify' },
  403: { condition: 'forbidden', type: 'auth' },
  404: { condition: 'item-not-found', type: 'cancel' },
  405: { condition: 'feature-not-implemented', type: 'cancel' },
  408: { condition: 'remote-server-timeout', type: 'wait' },
  410: { condition: 'recipient-unavailable', type: 'wait' },
  415: { condition: 'not-acceptable', type: 'modify' },
  431: { condition: 'forbidden', type: 'auth' },
  432: { condition: 'policy-violation', type: 'modify' },
  500: { condition: 'internal-server-error', type: 'cancel' },
  501: { condition: 'feature-not-implemented', type: 'cancel' },
  503: { condition: 'service-unavailable', type: 'wait' },
  504: { condition: 'remote-server-timeout', type: 'wait' },
  506: { condition: 'feature-not-implemented', type: 'cancel' },
  507: { condition: 'resource-constraint', type: 'wait' },
  516: { condition: 'remote-server-not-found', type: 'cancel' },
  531: UNREACHABLE,
  532: UNREACHABLE,
  533: { condition: 'recipient-unavailable', type: 'wait' },
  534: { condition: 'forbidden', type: 'auth' },
  538: { condition: 'not-acceptable', type: 'cancel' },
  542: { condition: 'recipient-unavailable', type: 'wait' },
  600: { condition: 'unexpected-request', type: 'wait' },
  604: { condition: 'unexpected-request', type: 'wait' },
  800: { condition: 'item-not-found', type: 'cancel' },
  801: { condition: 'conflict', type: 'cancel' },
  808: { condition: 'not-allowed', type: 'cancel' },
  809: { condition: 'forbidden', type: 'auth' },
  810: { condition: 'registration-required', type: 'auth' },
  811: { condition: 'conflict', type: 'cancel' },
  812: { condition: 'not-allowed', type: 'cancel' },
  813: { condition: 'not-allowed', type: 'cancel' },
  816: { condition: 'forbidden', type: 'auth' },
  817: { condition: 'service-unavailable', type: 'wait' },
  901: { condition: 'jid-malformed', type: 'modify' },
};

/** Codes whose own words would say more than the condition may. */
const NEUTRAL: ReadonlySet<StatusCode> = new Set([531, 532]);

/** The stanza error for a failed request. Several codes at once (201, 900) give the first detail's. */
export function stanzaErrorOf(outcome: Result): StanzaError {
  const code =
    outcome.code === 900 || outcome.code === 201 ? (outcome.details?.[0]?.code ?? 500) : outcome.code;
  if (code === 503 && outcome.tryAgainAfter !== undefined) return RATE_LIMIT;
  const known = TO_XMPP[code] ?? TO_XMPP[500] ?? UNREACHABLE;
  return NEUTRAL.has(code) ? known : { ...known, text: outcome.description ?? STATUS[code] };
}

/** A condition gives the first row of section 12 that has it, by type where rows differ. */
const FROM_XMPP = table<StatusCode>({
  'bad-request': 400,
  'not-authorized': 401,
  forbidden: 403,
  'item-not-found': 404,
  'feature-not-implemented': 405,
  'remote-server-timeout': 408,
  'recipient-unavailable': 410,
  gone: 410,
  redirect: 410,
  'not-acceptable': 415,
  'policy-violation': 432,
  // A rate limit.
  'policy-violation wait': 503,
  'internal-server-error': 500,
  'service-unavailable wait': 503,
  // For a user that is how servers say offline, unknown or blocked alike (bridging section 6).
  'service-unavailable': 410,
  'resource-constraint': 507,
  'remote-server-not-found': 516,
  'not-acceptable cancel': 538,
  'unexpected-request': 600,
  conflict: 801,
  'not-allowed': 808,
  'registration-required': 810,
  'jid-malformed': 901,
});
const BY_TYPE = table<StatusCode>({ wait: 503, auth: 403, modify: 402, cancel: 410 });
const NO_TABLE = table<StatusCode>({});

/** What a stanza of type error says. '' for what is missing. */
export interface ReceivedError {
  readonly condition: string;
  readonly type: string;
  readonly text?: string;
}

/** The legacy numeric `code` means something else here and is not read. */
export function readStanzaError(errorStanza: XmlElement): ReceivedError {
  const error = childOf(errorStanza, 'error');
  const type = error?.attrs['type'] ?? 'cancel';
  const inside = error === undefined ? [] : elementsOf(error).filter((child) => child.ns === NS.stanzaError);
  const condition = inside.find((child) => child.name !== 'text')?.name ?? '';
  const text = textOf(inside.find((child) => child.name === 'text')).slice(0, 200);
  return text === '' ? { condition, type } : { condition, type, text };
}

/** The status of a stanza of type error. */
export function resultOfError(errorStanza: XmlElement): Result {
  return statusOfError(readStanzaError(errorStanza));
}

/** The status of an error, by the table given before the one of all stanzas. */
export function statusOfError(
  { condition, type, text }: ReceivedError,
  special: Readonly<Record<string, StatusCode>> = NO_TABLE,
): Result {
  const code =
    special[condition] ?? FROM_XMPP[`${condition} ${type}`] ?? FROM_XMPP[condition] ?? BY_TYPE[type] ?? 410;
  return text === undefined ? { code } : { code, description: text };
}

/** Where an entity that is `gone` (or whose messages are redirected) says it can be reached: its bare JID. */
export function newAddressOf(errorStanza: XmlElement): JidParts | undefined {
  const error = childOf(errorStanza, 'error');
  const moved = ['gone', 'redirect'].map((name) => error && childOf(error, name, NS.stanzaError));
  const [, address = ''] = /^xmpp:([^?#]{1,2047})/.exec(textOf(moved.find((found) => found)).trim()) ?? [];
  return parseJid(uriDecoded(address));
}

function uriDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** For a stanza above the limits of size and depth. */
export const TOO_MUCH: StanzaError = {
  condition: 'policy-violation',
  type: 'modify',
  text: 'Larger or deeper than is taken here',
};

/** `<error/>` of a stanza. */
export function errorElement(error: StanzaError): XmlElement {
  return xml(
    NS.component,
    'error',
    { type: error.type },
    xml(NS.stanzaError, error.condition),
    error.text === undefined ? undefined : xml(NS.stanzaError, 'text', {}, error.text),
    error.detail,
  );
}

/**
 * The error answer to a message, presence or IQ; undefined for a stanza that must not be answered by an error
 * (one of type error or, for an IQ, result). The content is not sent back: its sender has it.
 */
export function errorReply(original: XmlElement, error: StanzaError): XmlElement | undefined {
  const { from, to, id, type } = original.attrs;
  if (type === 'error' || type === 'result') return undefined;
  const name = original.name === 'iq' || original.name === 'presence' ? original.name : 'message';
  return stanza(name, { type: 'error', from: to, to: from, id }, errorElement(error));
}
