// When a message was written, if it was held up on the way (XEP-0203).

import type { Incoming } from './component-link.ts';
import { bareJid } from './jid.ts';
import { NS } from './namespaces.ts';
import { childOf, elementsOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Nothing waits longer; an older stamp comes from a clock that is wrong. */
const OLDEST_MS = 366 * 86_400_000;

/** True for a copy that was kept somewhere: nobody waits for its receipt. */
export function isDelayed(message: XmlElement): boolean {
  return childOf(message, 'delay', NS.delay) !== undefined;
}

/**
 * The time of writing: `now` unless the sender's side, or the server that our component belongs to, says
 * otherwise; never in the future.
 */
export function sentAt({ stanza, from }: Incoming, componentDomain: string, now: number): number {
  const believed = (by: string | undefined): boolean =>
    by === undefined ||
    by === from.domain ||
    by === bareJid(from) ||
    by === componentDomain ||
    componentDomain.endsWith(`.${by}`);
  for (const { name, ns, attrs } of elementsOf(stanza)) {
    if (name !== 'delay' || ns !== NS.delay || !believed(attrs['from'])) continue;
    const stamp = Date.parse(attrs['stamp'] ?? '');
    if (stamp >= now - OLDEST_MS) return Math.min(stamp, now);
  }
  return now;
}
