// Idle times (XEP-0319), both ways. WV has no attribute for them: a contact's is told as a StatusText where there is
// no other, and our users are idle since they said that they are not available (bridging 3.2).

import { NS } from './namespaces.ts';
import { childOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

const STAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** `<idle/>` since a time in milliseconds since the epoch. */
export function idleItem(since: number): XmlElement {
  return xml(NS.idle, 'idle', { since: `${new Date(since).toISOString().slice(0, 19)}Z` });
}

/** Since when the client of a presence is idle, in milliseconds since the epoch; undefined: it is not, or not legibly. */
export function idleSince(presence: XmlElement): number | undefined {
  const since = childOf(presence, 'idle', NS.idle)?.attrs['since'] ?? '';
  const time = STAMP.test(since) ? Date.parse(since) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** As a phone shows it, to the minute; the same for all who see it, so in UTC. */
export function idleText(since: number): string {
  return `idle since ${new Date(since).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
