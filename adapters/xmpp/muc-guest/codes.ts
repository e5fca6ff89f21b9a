// Errors of rooms as status codes (bridging sections 7.3, 12): the same condition means another thing for a join, a
// message, a whisper and a question of an administrator. Conditions that are not named: the table of all stanzas.

import type { StatusCode } from '../../../src/wv/status.ts';
import type { ReceivedError } from '../errors.ts';
import { table } from '../table.ts';

/** XEP-0045 section 7.2. */
export const JOINING = table<StatusCode>({
  conflict: 811,
  // The room keeps another name for this user.
  'not-acceptable': 811,
  'not-authorized': 401,
  forbidden: 809,
  'registration-required': 803,
  'item-not-found': 800,
  gone: 800,
  'service-unavailable': 817,
  // COMPAT(ejabberd): its word for a full room.
  'resource-constraint': 817,
  'not-allowed': 805,
  'jid-malformed': 402,
  'remote-server-not-found': 516,
  'remote-server-timeout': 504,
  'policy-violation': 503,
});

/** XEP-0045 section 7.4; `not-acceptable` may also mean that we are out, which speaking.ts finds out. */
export const SPEAKING = table<StatusCode>({
  forbidden: 816,
  'not-acceptable': 816,
  'not-allowed': 816,
  'item-not-found': 800,
  gone: 800,
  'policy-violation': 503,
  'resource-constraint': 503,
  'internal-server-error': 503,
  'remote-server-timeout': 503,
});

/** XEP-0045 section 7.5. */
export const WHISPERING = table<StatusCode>({
  'item-not-found': 410,
  'recipient-unavailable': 410,
  'service-unavailable': 410,
  forbidden: 812,
  'not-acceptable': 812,
  'not-allowed': 812,
});

/** XEP-0045 sections 9 and 10. */
export const ADMINISTERING = table<StatusCode>({
  forbidden: 816,
  'not-allowed': 816,
  'not-authorized': 816,
  'item-not-found': 800,
  gone: 800,
  conflict: 816,
  'service-unavailable': 405,
  'not-acceptable': 806,
  'remote-server-timeout': 504,
});

const TECHNICAL: ReadonlySet<string> = new Set([
  'remote-server-timeout',
  'remote-server-not-found',
  'service-unavailable',
  'resource-constraint',
  'internal-server-error',
  'policy-violation',
]);

/** A refusal that may be over the next time: the room's server is away, or busy. */
export function isTechnical({ condition, type }: ReceivedError): boolean {
  return TECHNICAL.has(condition) || type === 'wait';
}

/** Status codes in presence (XEP-0045 section 15.6.2). */
export const CODE = {
  nonAnonymous: '100',
  self: '110',
  created: '201',
  nickAssigned: '210',
  nickChanged: '303',
} as const;

/** Codes of somebody who was put out on purpose, with the words for the user. */
export const PUT_OUT: Readonly<Record<string, string>> = {
  '301': 'Banned from the room',
  '307': 'Removed from the room',
  '321': 'No member of the room any more',
  '322': 'The room is for members only now',
};

/** Codes of somebody who is out for technical reasons. They come with 307, too (Prosody), and count more. */
export const TECHNICAL_CODES: readonly string[] = ['332', '333'];
