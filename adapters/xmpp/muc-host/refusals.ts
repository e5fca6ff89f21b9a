// Status codes of groups as stanza errors of rooms (bridging 7.3, section 12), where a room says it otherwise.

import type { Result, StatusCode } from '../../../src/wv/status.ts';
import { STATUS } from '../../../src/wv/status.ts';
import { errorReply, stanzaErrorOf } from '../errors.ts';
import type { StanzaError } from '../errors.ts';
import type { XmlElement } from '../xml.ts';

const IN_ROOMS: { readonly [Code in StatusCode]?: StanzaError } = {
  /** A screen name that servers or the home do not take, or a value that a property cannot have. */
  402: { condition: 'not-acceptable', type: 'modify' },
  /** A whisper to a nick that nobody has. */
  410: { condition: 'item-not-found', type: 'cancel' },
  531: { condition: 'item-not-found', type: 'cancel' },
  803: { condition: 'registration-required', type: 'auth' },
  804: { condition: 'not-allowed', type: 'cancel' },
  806: { condition: 'not-acceptable', type: 'modify' },
  /** Not an occupant (XEP-0045 section 7.4). */
  808: { condition: 'not-acceptable', type: 'modify' },
  810: { condition: 'item-not-found', type: 'cancel' },
  822: { condition: 'not-acceptable', type: 'modify' },
};

/** The stanza error for what a group refused. */
export function roomErrorOf(outcome: Result): StanzaError {
  const { code, description } = innermost(outcome);
  const special = IN_ROOMS[code];
  if (special !== undefined) return { ...special, text: description ?? STATUS[code] };
  return stanzaErrorOf({ code, ...(description === undefined ? {} : { description }) });
}

/** Several at once: the first. */
function innermost({ code, description, details = [] }: Result): Result {
  const [first] = details;
  if ((code !== 201 && code !== 900) || first === undefined) {
    return { code, ...(description === undefined ? {} : { description }) };
  }
  return { code: first.code, ...(first.description === undefined ? {} : { description: first.description }) };
}

/** The answer to a stanza that a room refuses; undefined for one that must not be answered. */
export function refusalOf(original: XmlElement, outcome: Result): XmlElement | undefined {
  return errorReply(original, roomErrorOf(outcome));
}

/** Errors of what a room sent that mean that this client is not there any more (as Prosody and ejabberd have it). */
const DEAD: ReadonlySet<string> = new Set([
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

export function isDeadly(condition: string): boolean {
  return DEAD.has(condition);
}
