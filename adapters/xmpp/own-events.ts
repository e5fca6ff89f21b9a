// Personal events of our users (XEP-0163): moods, places, names and pictures as messages to those clients of contacts
// that ask for them, each with what its owner may see, only when it changed (bridging 3.5).

import { isOnline } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import { avatarOf, metadataItem } from './avatar.ts';
import { BoundedMap } from './bounded-map.ts';
import { guarded, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { capsIn } from './caps.ts';
import type { Caps } from './caps.ts';
import type { ClientDescriptions } from './client-descriptions.ts';
import { geolocItem } from './geoloc.ts';
import { moodItem } from './mood.ts';
import { NS } from './namespaces.ts';
import { aliasOf, nickItem } from './nick.ts';
import { eventMessage } from './pubsub.ts';
import { MAX_RESOURCES } from './resources.ts';
import { elementsOf, serialize } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Our one item of a node; pictures have their hash instead. */
const ITEM_ID = 'current';

type ItemOf = (attributes: PresenceAttributes) => XmlElement;

/** What there is for others. Empty items are sent only after others. */
export const ITEMS: Readonly<Record<string, ItemOf>> = {
  [NS.mood]: ({ StatusMood }) => moodItem(StatusMood),
  [NS.nick]: ({ Alias }) => nickItem(aliasOf(Alias)),
  [NS.avatarMetadata]: ({ StatusContent }) => metadataItem(avatarOf(StatusContent)),
  [NS.geoloc]: geolocItem,
};

export function isEmptyItem(item: XmlElement): boolean {
  return item.children.length === 0;
}

export function itemId(node: string, item: XmlElement): string {
  if (node !== NS.avatarMetadata) return ITEM_ID;
  return elementsOf(item)[0]?.attrs['id'] ?? ITEM_ID;
}

interface Listener {
  /** Of the description; another one means asking again. */
  readonly ver: string;
  nodes: ReadonlySet<string>;
  /** What was sent, by node. */
  readonly sent: Map<string, string>;
}

interface Audience {
  readonly pair: Pair;
  readonly listeners: Map<string, Listener>;
  attributes: PresenceAttributes;
}

export class OwnEvents {
  readonly #bridge: Bridge;
  readonly #descriptions: ClientDescriptions;
  readonly #described: (pair: Pair) => void;
  readonly #audiences: BoundedMap<string, Audience>;

  /** `described` hears when more is known of a contact's client. */
  constructor(bridge: Bridge, descriptions: ClientDescriptions, described: (pair: Pair) => void) {
    this.#bridge = bridge;
    this.#descriptions = descriptions;
    this.#described = described;
    this.#audiences = new BoundedMap(bridge.settings.maxPresencePairs);
  }

  /** Takes all that the contact may see now. */
  show(pair: Pair, attributes: PresenceAttributes): void {
    const audience = this.#audienceOf(pair);
    audience.attributes = attributes;
    for (const [resource, listener] of audience.listeners) this.#send(audience, resource, listener);
  }

  /** A presence of the contact: which events its client wants. */
  heard(pair: Pair, resource: string, presence: XmlElement): void {
    const caps = presence.attrs['type'] === undefined ? capsIn(presence) : undefined;
    if (resource === '' || caps === undefined) {
      this.#audiences.get(pairKey(pair))?.listeners.delete(resource);
      return;
    }
    const { listeners } = this.#audienceOf(pair);
    if (listeners.get(resource)?.ver === caps.ver) return;
    if (!listeners.has(resource) && listeners.size >= MAX_RESOURCES) return;
    const listener: Listener = { ver: caps.ver, nodes: new Set(), sent: new Map() };
    listeners.set(resource, listener);
    guarded(this.#bridge, 'capabilities', this.#describe(pair, resource, listener, caps));
  }

  /** The contact sees nothing any more. */
  withdraw(pair: Pair): void {
    this.#audiences.delete(pairKey(pair));
  }

  /** A new stream: clients say again what they are. */
  reset(): void {
    for (const { listeners } of this.#audiences.values()) listeners.clear();
  }

  async #describe(pair: Pair, resource: string, listener: Listener, caps: Caps): Promise<void> {
    const description = await this.#descriptions.of(pair, resource, caps);
    if (description === undefined) return;
    listener.nodes = description.nodes;
    this.#described(pair);
    const audience = this.#audiences.get(pairKey(pair));
    if (audience?.listeners.get(resource) === listener) this.#send(audience, resource, listener);
  }

  #send({ pair, attributes }: Audience, resource: string, listener: Listener): void {
    // Who is offline, or invisible to this contact, does nothing that could be seen.
    if (!isOnline(attributes)) return;
    for (const [node, itemOf] of Object.entries(ITEMS)) {
      if (!listener.nodes.has(node)) continue;
      const item = itemOf(attributes);
      const text = serialize(item);
      const before = listener.sent.get(node);
      if (before === text || (before === undefined && isEmptyItem(item))) continue;
      const to = `${pair.contactJid}/${resource}`;
      if (this.#bridge.link.send(eventMessage(pair.userJid, to, node, itemId(node, item), item)))
        listener.sent.set(node, text);
    }
  }

  #audienceOf(pair: Pair): Audience {
    const key = pairKey(pair);
    const known = this.#audiences.get(key);
    if (known !== undefined) return known;
    const audience: Audience = { pair, listeners: new Map(), attributes: {} };
    this.#audiences.set(key, audience);
    return audience;
  }
}
