// Presence of WV and of Matrix, both ways (bridging.md 3.1, 3.2). Pure.

import { isOnline, sameAttribute, simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttributeName, PresenceAttributes } from '../../src/wv/presence.ts';
import type { MatrixPresence } from './client.ts';
import { isRecord, text } from './events.ts';

/** What crosses the gateway towards Matrix; never more, whatever the user authorised (bridging.md 3.5). */
export const SHOWN_TO_MATRIX: ReadonlySet<PresenceAttributeName> = new Set([
  'OnlineStatus',
  'UserAvailability',
  'StatusText',
]);

/** What is asked of a user: the picture is that of his ghost (ghost-pictures.ts). */
export const ASKED_FOR: ReadonlySet<PresenceAttributeName> = new Set([...SHOWN_TO_MATRIX, 'StatusContent']);

/** Longest status text, in characters. */
const MAX_STATUS = 250;

const FROM_MATRIX: Readonly<Record<string, readonly [online: string, availability: string]>> = {
  online: ['T', 'AVAILABLE'],
  unavailable: ['T', 'NOT_AVAILABLE'],
  offline: ['F', 'NOT_AVAILABLE'],
  // MSC3026
  busy: ['T', 'DISCREET'],
  'org.matrix.msc3026.busy': ['T', 'DISCREET'],
};

function cut(status: string): string {
  return Array.from(status).slice(0, MAX_STATUS).join('');
}

/** The attributes of an m.presence content or of a presence status answer; undefined when it says nothing. */
export function fromMatrix(content: unknown): PresenceAttributes | undefined {
  if (!isRecord(content)) return undefined;
  const known = FROM_MATRIX[text(content, 'presence') ?? ''];
  if (known === undefined) return undefined;
  const status = cut((text(content, 'status_msg') ?? '').toWellFormed().trim());
  return {
    OnlineStatus: simple(known[0]),
    UserAvailability: simple(known[1]),
    StatusText: status === '' ? WITHDRAWN : simple(status),
  };
}

/** The Matrix presence of what a user shows; nothing shown is offline. */
export function toMatrix(values: PresenceAttributes): MatrixPresence {
  if (!isOnline(values)) return { presence: 'offline' };
  const availability = values.UserAvailability?.valid === true ? values.UserAvailability.value : undefined;
  const shown = values.StatusText?.valid === true ? cut(values.StatusText.value ?? '') : '';
  const status = shown === '' && availability === 'DISCREET' ? 'Busy' : shown;
  const presence = availability === 'NOT_AVAILABLE' ? 'unavailable' : 'online';
  return status === '' ? { presence } : { presence, status_msg: status };
}

/** The attributes of `next` that differ from `before`. */
export function changed(
  before: PresenceAttributes | undefined,
  next: PresenceAttributes,
): PresenceAttributes {
  if (before === undefined) return next;
  const entries = Object.entries(next).filter(
    ([name, value]) => !sameAttribute(before[name as PresenceAttributeName], value),
  );
  return Object.fromEntries(entries) as PresenceAttributes;
}
