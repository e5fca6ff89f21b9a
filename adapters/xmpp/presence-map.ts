// Presence attributes and XMPP presence, one value at a time (bridging 3.1, 3.2).

import { childText } from '../../src/wv/element.ts';
import type { Element } from '../../src/wv/element.ts';
import { isOnline, simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute, PresenceAttributes, UserAvailability } from '../../src/wv/presence.ts';
import { capsIn } from './caps.ts';
import { idleSince } from './idle.ts';
import { childOf, stripIllegal, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type Show = 'chat' | 'away' | 'dnd' | 'xa';

/** One XMPP presence: of a resource, or of a user as we show him. */
export interface XmppPresence {
  readonly available: boolean;
  /** Undefined: plainly available. */
  readonly show: Show | undefined;
  /** '' = none. */
  readonly status: string;
}

/** What a contact's client tells. */
export interface HeardPresence extends XmppPresence {
  /** -128 to 127. */
  readonly priority: number;
  /** Hash of its description (XEP-0115); '' = none. */
  readonly ver: string;
  /** In milliseconds since the epoch; undefined: in use. */
  readonly idleSince: number | undefined;
}

export const UNAVAILABLE: XmppPresence = { available: false, show: undefined, status: '' };

/** Characters of a status text that go either way. */
const MAX_STATUS = 250;

const SHOW_OF: Readonly<Record<UserAvailability, Show | undefined>> = {
  AVAILABLE: undefined,
  DISCREET: 'dnd',
  NOT_AVAILABLE: 'xa',
};

const AVAILABILITY_OF: Readonly<Record<Show, UserAvailability>> = {
  chat: 'AVAILABLE',
  away: 'NOT_AVAILABLE',
  xa: 'NOT_AVAILABLE',
  dnd: 'DISCREET',
};

function valid(attributes: PresenceAttributes, name: 'UserAvailability' | 'StatusText'): string | undefined {
  const attribute = attributes[name];
  return attribute?.valid === true ? attribute.value : undefined;
}

/** What an XMPP contact may see of these attributes: nothing of a user whose OnlineStatus is F or withheld. */
export function toXmpp(attributes: PresenceAttributes): XmppPresence {
  if (!isOnline(attributes)) return UNAVAILABLE;
  const availability = valid(attributes, 'UserAvailability') ?? 'AVAILABLE';
  const show = Object.hasOwn(SHOW_OF, availability) ? SHOW_OF[availability as UserAvailability] : undefined;
  return { available: true, show, status: cut(stripIllegal(valid(attributes, 'StatusText') ?? '')) };
}

/** The attributes of a contact; always all three, so that what went away is told. */
export function toAttributes(presence: XmppPresence): PresenceAttributes {
  const availability = presence.show === undefined ? 'AVAILABLE' : AVAILABILITY_OF[presence.show];
  return {
    OnlineStatus: simple(presence.available ? 'T' : 'F'),
    UserAvailability: simple(presence.available ? availability : 'NOT_AVAILABLE'),
    StatusText: presence.status === '' ? WITHDRAWN : simple(presence.status),
  };
}

/** The attributes of a contact who does not let himself be seen (any more). */
export const HIDDEN: PresenceAttributes = Object.freeze({
  OnlineStatus: WITHDRAWN,
  UserAvailability: WITHDRAWN,
  StatusText: WITHDRAWN,
});

/** A notification in which everything is withheld grants nothing. */
export function showsSomething(attributes: PresenceAttributes): boolean {
  return Object.values(attributes).some((attribute) => attribute.valid);
}

/** Of an available presence; a user who takes no messages (CommCap, PreferredContacts) has a negative one. */
export function priorityOf({ CommCap, PreferredContacts }: PresenceAttributes): number {
  const says = (
    attribute: PresenceAttribute | undefined,
    names: readonly [string, string, string],
  ): boolean => attribute?.valid === true && (attribute.fields ?? []).some((field) => isClosed(field, names));
  const closed =
    says(CommCap, ['CommC', 'Cap', 'Status']) || says(PreferredContacts, ['AddrPref', 'PrefC', 'Cstatus']);
  return closed ? -1 : 0;
}

function isClosed(field: Element, [name, kind, state]: readonly [string, string, string]): boolean {
  return (
    field.name === name &&
    childText(field, kind)?.toUpperCase() === 'IM' &&
    childText(field, state)?.toUpperCase() === 'CLOSED'
  );
}

/** PreferredLanguage (ISO 639-2) as a language tag (BCP 47); undefined: none that is one. */
export function languageOf({ PreferredLanguage }: PresenceAttributes): string | undefined {
  const text = PreferredLanguage?.valid === true ? (PreferredLanguage.value ?? '').trim() : '';
  if (!/^[a-z]{2,3}(?:-[a-z0-9]{2,8})?$/i.test(text)) return undefined;
  return Intl.getCanonicalLocales(text)[0];
}

/** Reads `<presence/>` without a type, or of type unavailable. Unknown words of `show` count as available. */
export function readPresence(stanza: XmlElement): HeardPresence {
  const show = textOf(childOf(stanza, 'show')).trim();
  return {
    available: stanza.attrs['type'] !== 'unavailable',
    show: Object.hasOwn(AVAILABILITY_OF, show) ? (show as Show) : undefined,
    status: cut(textOf(childOf(stanza, 'status')).trim()),
    priority: readPriority(stanza),
    ver: capsIn(stanza)?.ver ?? '',
    idleSince: idleSince(stanza),
  };
}

/** The priority of `<presence/>`: -128 to 127, 0 when missing or malformed (RFC 6121 section 4.7.2.3). */
export function readPriority(stanza: XmlElement): number {
  const text = textOf(childOf(stanza, 'priority')).trim();
  if (!/^[+-]?\d{1,3}$/.test(text)) return 0;
  return Math.max(-128, Math.min(127, Number.parseInt(text, 10)));
}

function cut(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_STATUS ? text : `${characters.slice(0, MAX_STATUS - 1).join('')}…`;
}
