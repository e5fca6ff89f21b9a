// The roster of a linked account (RFC 6121 section 2): read whole at login, kept in step by pushes.

import type { AccountGroup } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { bareJid, parseJid } from '../jid.ts';
import type { BareJid, JidParts } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { elementsOf, textOf } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export interface RosterItem {
  readonly jid: BareJid;
  readonly parts: JidParts;
  /** '' = none. */
  readonly name: string;
  readonly groups: readonly string[];
  /** We see the contact's presence. */
  readonly to: boolean;
  /** The contact sees ours. */
  readonly from: boolean;
  /** We asked, and have no answer. */
  readonly asked: boolean;
}

export interface RosterChange {
  readonly before: RosterItem | undefined;
  /** Undefined: taken out. */
  readonly after: RosterItem | undefined;
}

const LONGEST_NAME = 100;
/** Groups of one contact that are taken. */
const MOST_GROUPS = 10;
/** What the list of those without a group is called. */
const UNGROUPED = 'XMPP';

export class Roster {
  readonly #limit: number;
  readonly #items = new Map<BareJid, RosterItem>();
  /** Contacts beyond the limit, left out. */
  #leftOut = 0;

  /** @param limit contacts taken; more are left out */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get leftOut(): number {
    return this.#leftOut;
  }

  get(jid: BareJid): RosterItem | undefined {
    return this.#items.get(jid);
  }

  /** The whole roster, as the server gives it after login. What differs from before. */
  replace(query: XmlElement): readonly RosterChange[] {
    const before = new Map(this.#items);
    this.#items.clear();
    this.#leftOut = 0;
    const changes: RosterChange[] = [];
    for (const element of elementsOf(query)) {
      const item = itemOf(element);
      if (item === undefined || item === 'removed') continue;
      if (!this.#put(item)) continue;
      changes.push({ before: before.get(item.jid), after: item });
      before.delete(item.jid);
    }
    for (const item of before.values()) changes.push({ before: item, after: undefined });
    return changes;
  }

  /** A push. Undefined for one that says nothing. */
  push(query: XmlElement): RosterChange | undefined {
    const [element] = elementsOf(query);
    const jid = element === undefined ? undefined : jidOf(element);
    const item = element === undefined ? undefined : itemOf(element);
    if (jid === undefined || item === undefined) return undefined;
    const before = this.#items.get(bareJid(jid));
    if (item === 'removed') this.#items.delete(bareJid(jid));
    else if (!this.#put(item)) return undefined;
    return { before, after: item === 'removed' ? undefined : item };
  }

  /** The contacts as contact lists. `addressOf`: undefined for who has no address here. */
  groups(addressOf: (item: RosterItem) => UserAddress | undefined): readonly AccountGroup[] {
    const groups = new Map<string, { user: UserAddress; name: string }[]>();
    for (const item of this.#items.values()) {
      const user = addressOf(item);
      if (user === undefined) continue;
      for (const group of item.groups.length === 0 ? [''] : item.groups) {
        const contacts = groups.get(group) ?? [];
        contacts.push({ user, name: item.name });
        groups.set(group, contacts);
      }
    }
    return [...groups].map(([group, contacts]) => ({
      group,
      displayName: group === '' ? UNGROUPED : group,
      contacts,
    }));
  }

  #put(item: RosterItem): boolean {
    if (!this.#items.has(item.jid) && this.#items.size >= this.#limit) {
      this.#leftOut += 1;
      return false;
    }
    this.#items.set(item.jid, item);
    return true;
  }
}

function jidOf(element: XmlElement): JidParts | undefined {
  const isItem = element.name === 'item' && element.ns === NS.roster;
  return isItem ? parseJid(element.attrs['jid'] ?? '') : undefined;
}

function itemOf(element: XmlElement): RosterItem | 'removed' | undefined {
  const parts = jidOf(element);
  if (parts === undefined) return undefined;
  const { subscription = 'none', ask, name = '' } = element.attrs;
  if (subscription === 'remove') return 'removed';
  const groups = elementsOf(element)
    .filter((child) => child.name === 'group')
    .map((child) => textOf(child).trim().slice(0, LONGEST_NAME))
    .filter((group) => group !== '');
  return {
    jid: bareJid(parts),
    parts: { ...parts, resource: '' },
    name: name.slice(0, LONGEST_NAME),
    groups: [...new Set(groups)].slice(0, MOST_GROUPS),
    to: subscription === 'to' || subscription === 'both',
    from: subscription === 'from' || subscription === 'both',
    asked: ask === 'subscribe',
  };
}
