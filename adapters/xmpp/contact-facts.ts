// What else than presence is known of a contact: name, mood, what he does, where he is, his picture.

import { leaf, node as element } from '../../src/wv/element.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { sameAttribute, simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute, PresenceAttributeName, PresenceAttributes } from '../../src/wv/presence.ts';
import { readActivity } from './activity.ts';
import { readMetadata } from './avatar.ts';
import type { AvatarPlace } from './avatar-fetch.ts';
import { readGeoloc } from './geoloc.ts';
import { idleText } from './idle.ts';
import { readMood } from './mood.ts';
import { NS } from './namespaces.ts';
import { readNick } from './nick.ts';
import { toAttributes } from './presence-map.ts';
import type { PepEvent } from './pubsub.ts';
import type { MergedPresence } from './resources.ts';

/** Nodes asked for where events do not come by themselves. */
export const FACT_NODES = [NS.mood, NS.nick, NS.avatarMetadata, NS.activity, NS.geoloc] as const;

/** Attributes of somebody who is there. */
const PASSING = [
  'StatusMood',
  'GeoLocation',
  'Address',
  'FreeTextLocation',
  'InfoLink',
  'ClientInfo',
  'PreferredContacts',
] as const satisfies readonly PresenceAttributeName[];

/** Characters of the name of a client that come in. */
const MAX_NAME = 60;

export class ContactFacts {
  #facts: PresenceAttributes = {};
  #activity = '';
  /** What he is called as long as he tells no name: that of his request, else that of his vCard. */
  #introduction = '';
  #picture = '';
  /** What says which picture he has; personal events count more than presence. */
  #place: AvatarPlace | undefined;

  /** Takes an event. Gives the hash of a picture that has to be fetched. */
  take({ node, payload }: PepEvent): string | undefined {
    switch (node) {
      case NS.mood:
        this.#set({ StatusMood: readMood(payload) });
        return undefined;
      case NS.nick:
        this.#set({ Alias: readNick(payload) });
        return undefined;
      case NS.geoloc:
        this.#set(readGeoloc(payload));
        return undefined;
      case NS.activity:
        this.#activity = readActivity(payload);
        return undefined;
      case NS.avatarMetadata:
        return this.picture(readMetadata(payload), 'pep');
      default:
        return undefined;
    }
  }

  name(name: string): void {
    this.#set({ Alias: simple(name) });
  }

  /** A name that came with his request. */
  introduce(name: string): void {
    this.#introduction = name;
  }

  /** The name of his vCard. */
  card(name: string): void {
    this.#introduction ||= name;
  }

  get isNameless(): boolean {
    return this.#facts.Alias?.valid !== true && this.#introduction === '';
  }

  /** Takes the hash of his picture ('' = none). Gives it back when the picture has to be fetched. */
  picture(hash: string, place: AvatarPlace): string | undefined {
    if (place === 'vcard' && this.#place === 'pep') return undefined;
    // No picture in one place says nothing of the other.
    if (hash === '' && place !== this.#place) return undefined;
    this.#place = hash === '' ? undefined : place;
    if (hash === this.#picture) return undefined;
    this.#picture = hash;
    this.#set({ StatusContent: WITHDRAWN });
    return hash === '' ? undefined : hash;
  }

  /** The picture of a hash came, unless he has another by now. */
  pictured(hash: string, content: PresenceAttribute): void {
    if (hash === this.#picture) this.#set({ StatusContent: content });
  }

  /** Takes which of his clients counts, and what it is. */
  reachedBy(contact: UserAddress, presence: MergedPresence, clientInfo: PresenceAttribute | undefined): void {
    if (!presence.available) return;
    this.#set({ ClientInfo: clientInfo ?? WITHDRAWN, PreferredContacts: preferred(contact, presence) });
  }

  /** All that a watcher may be told. Moods, places and clients of somebody who is not there are over. */
  attributes(presence: MergedPresence): PresenceAttributes {
    const base = toAttributes(presence);
    const facts = this.#named();
    if (!presence.available) return { ...base, ...facts, ...this.#over() };
    const text = presence.status === '' ? this.#statusText(presence) : '';
    return { ...base, ...facts, ...(text === '' ? {} : { StatusText: simple(text) }) };
  }

  #named(): PresenceAttributes {
    const named = this.#facts.Alias?.valid === true || this.#introduction === '';
    return named ? this.#facts : { ...this.#facts, Alias: simple(this.#introduction) };
  }

  /** What stands in for a status text that he did not write; '' = nothing. */
  #statusText({ idleSince }: MergedPresence): string {
    if (this.#activity !== '') return this.#activity;
    return idleSince === undefined ? '' : idleText(idleSince);
  }

  #over(): PresenceAttributes {
    const known = PASSING.filter((name) => this.#facts[name] !== undefined);
    return Object.fromEntries(known.map((name) => [name, WITHDRAWN]));
  }

  /** Withdrawals of what was never there are not kept, so that they are not told. */
  #set(changes: PresenceAttributes): void {
    const known = this.#facts;
    const real = entriesOf(changes).filter(([name, value]) => value.valid || known[name] !== undefined);
    this.#facts = { ...known, ...Object.fromEntries(real) };
  }
}

function entriesOf(attributes: PresenceAttributes): [PresenceAttributeName, PresenceAttribute][] {
  return Object.entries(attributes) as [PresenceAttributeName, PresenceAttribute][];
}

/** The client that counts, as the one way to reach him that is known here. */
function preferred(contact: UserAddress, { resource, priority }: MergedPresence): PresenceAttribute {
  const name = Array.from(resource).slice(0, MAX_NAME).join('');
  const fields = [
    leaf('PrefC', 'IM'),
    leaf('Caddr', contact),
    leaf('Cstatus', priority >= 0 ? 'OPEN' : 'CLOSED'),
    ...(name === '' ? [] : [leaf('Cname', name)]),
  ];
  return { valid: true, fields: [element('AddrPref', fields)] };
}

export function sameAttributes(a: PresenceAttributes, b: PresenceAttributes): boolean {
  const names = new Set([...entriesOf(a), ...entriesOf(b)].map(([name]) => name));
  return [...names].every((name) => sameAttribute(a[name], b[name]));
}
