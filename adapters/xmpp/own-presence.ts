// Presence of our users towards XMPP contacts: one resource a user, directed presence to each contact, nothing sent
// twice (bridging 3.1 to 3.5). A contact sees what the relay authorised for him, so values are kept per pair.

import { createHash } from 'node:crypto';
import { select, WITHDRAWN } from '../../src/wv/presence.ts';
import type { AttributeFilter, PresenceAttributes } from '../../src/wv/presence.ts';
import { BoundedMap } from './bounded-map.ts';
import { guarded, metaOf, pairKey, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { avatarOf, photoUpdate } from './avatar.ts';
import { ownClient } from './caps.ts';
import type { ClientDescriptions } from './client-descriptions.ts';
import { clientTypeOf } from './client-type.ts';
import { idleItem } from './idle.ts';
import { aliasOf, nickItem } from './nick.ts';
import type { BareJid } from './jid.ts';
import { OwnEvents } from './own-events.ts';
import { languageOf, priorityOf, toXmpp } from './presence-map.ts';
import { serialize, stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';
import { NS } from './namespaces.ts';

/** The one resource of our users; messages come from the bare JID. */
export const RESOURCE = 'imps';

/** The attributes that presence on XMPP has a place for. */
export const MAPPED: AttributeFilter = new Set([
  'OnlineStatus',
  'ClientInfo',
  'UserAvailability',
  'StatusText',
  'PreferredLanguage',
  'CommCap',
  'PreferredContacts',
  'Alias',
  'StatusMood',
  'StatusContent',
  'GeoLocation',
  'Address',
  'FreeTextLocation',
] as const);

interface Shown {
  readonly pair: Pair;
  /** All that the contact may see, changes merged in. */
  attributes: PresenceAttributes;
  /** Hash of what was sent on this stream. */
  sent: string | undefined;
  /** What was sent said that the user is there. */
  available: boolean;
  /** When the user was seen to become not available, in milliseconds; undefined: he is, or nobody saw it. */
  idleSince: number | undefined;
}

/** How a user's presence is shown to contacts. */
export interface Showing {
  /** Takes the changes of a notification and sends them, if they change what the contact sees. */
  notify(pair: Pair, attributes: PresenceAttributes): void;
  /** Sends the present value whether the contact has it or not. */
  sendCurrent(pair: Pair): void;
  /** The user wrote to the contact: he is not idle, whatever he says. */
  active(pair: Pair): void;
  /** Since when a contact sees the user idle, in milliseconds since the epoch. */
  idleSince(pair: Pair): number | undefined;
  /** The contact may see nothing any more. */
  withdraw(pair: Pair): void;
  /** True when the contact's server sends us the contact's events. */
  isShown(pair: Pair): boolean;
  /** Presence of one of the contact's clients. */
  heard(pair: Pair, resource: string, presence: XmlElement): void;
  /** A user is not to be seen through us any more, by anybody. */
  withdrawUser(userJid: BareJid): void;
  /** A new stream: the server does not remember what was sent on the last one. */
  reset(): void;
  /** Our users leave with us. */
  withdrawAll(): void;
}

export class OwnPresence implements Showing {
  readonly #bridge: Bridge;
  readonly #shown: BoundedMap<string, Shown>;

  /** What goes out beside presence. */
  readonly events: OwnEvents;

  /** `described`: as of OwnEvents. */
  constructor(bridge: Bridge, descriptions: ClientDescriptions, described: (pair: Pair) => void) {
    this.#bridge = bridge;
    this.events = new OwnEvents(bridge, descriptions, described);
    this.#shown = new BoundedMap(bridge.settings.maxPresencePairs);
  }

  notify(pair: Pair, attributes: PresenceAttributes): void {
    const changes = select(attributes, MAPPED);
    const known = this.#shown.get(pairKey(pair));
    if (known === undefined && changes.OnlineStatus === undefined) {
      // Half a value, the other half forgotten: ask for all of it.
      this.#resync(pair);
      return;
    }
    const shown = known ?? { pair, attributes: {}, sent: undefined, available: false, idleSince: undefined };
    const before = shown.attributes;
    shown.attributes = { ...before, ...changes };
    if (!isAway(shown.attributes)) shown.idleSince = undefined;
    // Of a value heard for the first time nobody knows how old it is.
    else if (known !== undefined && !isAway(before)) shown.idleSince = this.#bridge.relay.clock.now();
    this.#shown.set(pairKey(pair), shown);
    this.#send(shown, false);
  }

  sendCurrent(pair: Pair): void {
    const shown = this.#shown.get(pairKey(pair));
    if (shown === undefined) this.#resync(pair);
    else this.#send(shown, true);
  }

  active(pair: Pair): void {
    const shown = this.#shown.get(pairKey(pair));
    if (shown?.idleSince === undefined) return;
    shown.idleSince = undefined;
    this.#send(shown, false);
  }

  idleSince(pair: Pair): number | undefined {
    return this.#shown.get(pairKey(pair))?.idleSince;
  }

  withdraw(pair: Pair): void {
    this.#shown.delete(pairKey(pair));
    this.events.withdraw(pair);
    this.#bridge.link.send(this.#presence(pair, {}));
  }

  isShown(pair: Pair): boolean {
    return this.#shown.get(pairKey(pair))?.available === true;
  }

  heard(pair: Pair, resource: string, presence: XmlElement): void {
    this.events.heard(pair, resource, presence);
  }

  withdrawUser(userJid: BareJid): void {
    for (const { pair, available } of this.#shown.values()) {
      if (pair.userJid !== userJid) continue;
      if (available) this.withdraw(pair);
      else this.#shown.delete(pairKey(pair));
    }
  }

  reset(): void {
    for (const shown of this.#shown.values()) forget(shown);
    this.events.reset();
  }

  withdrawAll(): void {
    for (const shown of this.#shown.values()) {
      if (shown.available) this.#bridge.link.send(this.#presence(shown.pair, {}));
      forget(shown);
    }
  }

  #send(shown: Shown, repeat: boolean): void {
    const { pair, attributes } = shown;
    const presence = this.#presence(pair, attributes, shown.idleSince);
    const hash = createHash('sha1').update(serialize(presence)).digest('base64');
    if (!repeat && shown.sent === hash) this.#bridge.relay.metrics.count('xmpp_presence_unchanged_total');
    else if (this.#bridge.link.send(presence)) {
      shown.sent = hash;
      shown.available = presence.attrs['type'] === undefined;
    }
    this.events.show(pair, attributes);
  }

  /** A repeated SubscribeRequest makes the relay send everything the contact may see. */
  #resync(pair: Pair): void {
    const { contact, user } = pair;
    const primitive = 'SubscribeRequest';
    const request = { primitive, meta: metaOf(contact), watcher: contact, publishers: [user] } as const;
    guarded(this.#bridge, 'presence resync', tell(this.#bridge, pair, request));
  }

  #presence(pair: Pair, attributes: PresenceAttributes, idle?: number): XmlElement {
    const { caps } = ownClient(this.#bridge.settings, clientTypeOf(attributes));
    const addresses = { from: `${pair.userJid}/${RESOURCE}`, to: pair.contactJid };
    return presenceStanza(addresses, attributes, { caps, idle });
  }
}

function forget(shown: Shown): void {
  shown.sent = undefined;
  shown.available = false;
}

/** There, and not available. */
function isAway(attributes: PresenceAttributes): boolean {
  return toXmpp(attributes).show === 'xa';
}

interface Extras {
  readonly caps: XmlElement;
  readonly idle: number | undefined;
}

/** The stanza for what a contact may see. Who is offline or hidden shows nothing but that. */
export function presenceStanza(
  addresses: { readonly from: string; readonly to?: string },
  attributes: PresenceAttributes,
  { caps, idle }: Extras,
): XmlElement {
  const { available, show, status } = toXmpp({ OnlineStatus: WITHDRAWN, ...attributes });
  if (!available) return stanza('presence', { ...addresses, type: 'unavailable' });
  const priority = priorityOf(attributes);
  const name = aliasOf(attributes.Alias);
  const text = (element: string, value: string): XmlElement => xml(NS.component, element, {}, value);
  return stanza(
    'presence',
    { ...addresses, 'xml:lang': languageOf(attributes) },
    show === undefined ? undefined : text('show', show),
    status === '' ? undefined : text('status', status),
    priority === 0 ? undefined : text('priority', String(priority)),
    caps,
    attributes.StatusContent === undefined ? undefined : photoUpdate(avatarOf(attributes.StatusContent)),
    name === undefined ? undefined : nickItem(name),
    idle === undefined ? undefined : idleItem(idle),
  );
}
