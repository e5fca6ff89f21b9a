// What contacts ask about our users: cards, time, last activity, and the items of their personal events. Answered
// with what the user authorised to the one who asks, as a notification would (bridging 3.5).

import { childText } from '../../src/wv/element.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { isOnline } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import { avatarOf, dataItem, vcardPhoto } from './avatar.ts';
import type { Avatar } from './avatar.ts';
import type { Bridge } from './bridge.ts';
import type { StanzaError } from './errors.ts';
import { isLink } from './geoloc.ts';
import type { JidParts } from './jid.ts';
import { NS } from './namespaces.ts';
import { isEmptyItem, itemId, ITEMS } from './own-events.ts';
import { itemsAnswer } from './pubsub.ts';
import { childOf, elementsOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface UserQuery {
  readonly payload: XmlElement;
  readonly user: UserAddress | undefined;
  readonly asker: JidParts;
}

type Answer = { readonly payload: XmlElement | undefined } | { readonly error: StanzaError };

/** What the asker may see of a user: undefined = he is not authorised to anything. */
export interface Authorised {
  authorised(user: UserAddress, asker: JidParts): Promise<PresenceAttributes | undefined>;
  /** Since when the asker sees the user idle, in milliseconds since the epoch. */
  idleSince(user: UserAddress, asker: JidParts): number | undefined;
}

const UNSUPPORTED: Answer = { error: { condition: 'service-unavailable', type: 'cancel' } };
const FORBIDDEN: Answer = { error: { condition: 'forbidden', type: 'auth' } };
const NOT_FOUND: Answer = { error: { condition: 'item-not-found', type: 'cancel' } };

/** Nodes that show where somebody is and how he feels: of those who are there only. */
const PASSING: ReadonlySet<string> = new Set([NS.mood, NS.geoloc]);

export class UserQueries {
  readonly #bridge: Bridge;
  readonly #presence: Authorised;
  readonly handlers: Readonly<Record<string, (query: UserQuery) => Promise<Answer>>>;

  constructor(bridge: Bridge, presence: Authorised) {
    this.#bridge = bridge;
    this.#presence = presence;
    this.handlers = {
      [`get ${NS.vcard} vCard`]: (query) => this.#card(query),
      [`get ${NS.vcard4} vcard`]: (query) => this.#card4(query),
      [`get ${NS.time} time`]: (query) => this.#seen(query, (seen) => this.#time(seen)),
      [`get ${NS.last} query`]: (query) => this.#seen(query, (seen) => this.#lastActivity(query, seen)),
      [`get ${NS.pubsub} pubsub`]: (query) => this.#seen(query, (seen) => items(query.payload, seen)),
    };
  }

  async #seen(query: UserQuery, answer: (seen: PresenceAttributes) => Answer): Promise<Answer> {
    const seen = await this.#attributes(query);
    return seen === undefined ? FORBIDDEN : answer(seen);
  }

  async #attributes({ user, asker }: UserQuery): Promise<PresenceAttributes | undefined> {
    return user === undefined ? undefined : await this.#presence.authorised(user, asker);
  }

  async #name({ user }: UserQuery): Promise<string | undefined> {
    return user === undefined ? undefined : await this.#bridge.relay.displayName(user);
  }

  /** The name is for everybody, the rest for those whom the user lets see it. */
  async #card(query: UserQuery): Promise<Answer> {
    const name = await this.#name(query);
    if (name === undefined) return UNSUPPORTED;
    const seen = (await this.#attributes(query)) ?? {};
    const avatar = avatarOf(seen.StatusContent);
    const text = (element: string): XmlElement => xml(NS.vcard, element, {}, name);
    const photo = avatar === undefined ? [] : [vcardPhoto(avatar)];
    const contact = contactLines(seen).map(([property, value]) => cardField(property, value));
    return { payload: xml(NS.vcard, 'vCard', {}, text('FN'), text('NICKNAME'), ...photo, ...contact) };
  }

  async #card4(query: UserQuery): Promise<Answer> {
    const name = await this.#name(query);
    if (name === undefined) return UNSUPPORTED;
    const seen = (await this.#attributes(query)) ?? {};
    const text = (element: string, type: string, value: string): XmlElement =>
      xml(NS.vcard4, element, {}, xml(NS.vcard4, type, {}, value));
    const contact = contactLines(seen).map(([property, value]) =>
      text(property.toLowerCase(), property === 'URL' ? 'uri' : 'text', value),
    );
    const card = [text('fn', 'text', name), text('nickname', 'text', name), ...contact];
    return { payload: xml(NS.vcard4, 'vcard', {}, ...card) };
  }

  /** Nobody here keeps when a user was last seen; who is there is active, unless he is shown as idle. */
  #lastActivity({ user, asker }: UserQuery, seen: PresenceAttributes): Answer {
    if (user === undefined || !isOnline(seen)) return FORBIDDEN;
    const now = this.#bridge.relay.clock.now();
    const seconds = Math.floor((now - (this.#presence.idleSince(user, asker) ?? now)) / 1_000);
    return { payload: xml(NS.last, 'query', { seconds: String(Math.max(0, seconds)) }) };
  }

  #time({ TimeZone }: PresenceAttributes): Answer {
    const zone =
      TimeZone?.valid === true ? TimeZone.fields?.find(({ name }) => name === 'Zone')?.text : undefined;
    const parts = /^\s*([+-])(\d{2}):?(\d{2})?\s*$/.exec(zone ?? '');
    if (parts === null) return UNSUPPORTED;
    const [, sign = '+', hours = '00', minutes = '00'] = parts;
    const utc = `${new Date(this.#bridge.relay.clock.now()).toISOString().slice(0, 19)}Z`;
    const child = (name: string, value: string): XmlElement => xml(NS.time, name, {}, value);
    return {
      payload: xml(NS.time, 'time', {}, child('tzo', `${sign}${hours}:${minutes}`), child('utc', utc)),
    };
  }
}

function items(request: XmlElement, seen: PresenceAttributes): Answer {
  const asked = childOf(request, 'items');
  const node = asked?.attrs['node'] ?? '';
  if (asked === undefined) return UNSUPPORTED;
  if (node === NS.avatarData) return data(avatarOf(seen.StatusContent), elementsOf(asked)[0]?.attrs['id']);
  const itemOf = Object.hasOwn(ITEMS, node) ? ITEMS[node] : undefined;
  if (itemOf === undefined || (PASSING.has(node) && !isOnline(seen))) return NOT_FOUND;
  const item = itemOf(seen);
  return isEmptyItem(item) ? NOT_FOUND : { payload: itemsAnswer(node, itemId(node, item), item) };
}

function data(avatar: Avatar | undefined, id: string | undefined): Answer {
  if (avatar === undefined || (id !== undefined && id !== avatar.hash)) return NOT_FOUND;
  return { payload: itemsAnswer(NS.avatarData, avatar.hash, dataItem(avatar)) };
}

/** Properties of a ContactInfo, and links of an InfoLink, that are handed on: at most this many each. */
const MAX_LINES = 10;
const CONTACT_LINE = /^(TEL|EMAIL|URL)(?:;[^:]*)?:(.{1,200})$/i;

type Line = readonly [property: string, value: string];

/** What both kinds of cards say beside names and pictures. */
function contactLines(seen: PresenceAttributes): readonly Line[] {
  return [...cardLines(seen), ...links(seen)];
}

function links({ InfoLink }: PresenceAttributes): readonly Line[] {
  const fields = InfoLink?.valid === true ? (InfoLink.fields ?? []) : [];
  return fields
    .filter(({ name }) => name === 'Inf_link')
    .map((field) => childText(field, 'Link')?.trim() ?? '')
    .filter(isLink)
    .slice(0, MAX_LINES)
    .map((link) => ['URL', link] as const);
}

function cardLines({ ContactInfo }: PresenceAttributes): readonly Line[] {
  if (ContactInfo?.valid !== true) return [];
  const text = childText({ name: '', text: '', children: ContactInfo.fields ?? [] }, 'ContainedvCard') ?? '';
  const card = /^\s*BEGIN:VCARD/i.test(text) ? text : Buffer.from(text, 'base64').toString('utf8');
  return card
    .split(/\r\n?|\n/)
    .map((line) => CONTACT_LINE.exec(line))
    .filter((match) => match !== null)
    .slice(0, MAX_LINES)
    .map(([, property = '', value = '']) => [property.toUpperCase(), value.trim()] as const);
}

const INNER: Readonly<Record<string, string>> = { TEL: 'NUMBER', EMAIL: 'USERID' };

function cardField(property: string, value: string): XmlElement {
  const inner = INNER[property];
  return xml(NS.vcard, property, {}, inner === undefined ? value : xml(NS.vcard, inner, {}, value));
}
