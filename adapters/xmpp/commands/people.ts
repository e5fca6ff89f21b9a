// What users of XMPP told this gateway about themselves: whether they registered (XEP-0077), the name they are shown by,
// and who of WV may see and write to them. All in memory, for every stanza asks; each change is on disk first.

import { parseUser, isAddressError } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';

export interface Person {
  readonly registered: boolean;
  /** Shown to WV users; '' = none. */
  readonly name: string;
  /** True: only who is in `allowed` may see and write; else all but `blocked`. */
  readonly onlyAllowed: boolean;
  readonly blocked: readonly UserAddress[];
  readonly allowed: readonly UserAddress[];
}

export const STRANGER: Person = {
  registered: false,
  name: '',
  onlyAllowed: false,
  blocked: [],
  allowed: [],
};

/** Characters of a name, entries of a list. */
export const MAX_NAME = 100;
export const MAX_LIST = 500;
const KEY = 'person ';

/** No more people can be remembered, or no more entries in one list. */
export class PeopleFull extends Error {
  override readonly name = 'PeopleFull';
}

export class People {
  readonly #bridge: Bridge;
  readonly #known = new Map<BareJid, Person>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Reads what is on disk. Before anything else. */
  async load(): Promise<void> {
    const { storage, homeDomain, log } = this.#bridge.relay;
    for (const [key, value] of await storage.list(KEY)) {
      const person = personOf(value, homeDomain);
      if (person === undefined)
        log.error({ key }, 'XMPP gateway: what a person said of himself cannot be read');
      else this.#known.set(key.slice(KEY.length) as BareJid, person);
    }
  }

  get size(): number {
    return this.#known.size;
  }

  get registered(): number {
    return [...this.#known.values()].filter(({ registered }) => registered).length;
  }

  get(jid: BareJid): Person {
    return this.#known.get(jid) ?? STRANGER;
  }

  /** May this WV user see and write to him, and he to that user? */
  admits(jid: BareJid, user: UserAddress): boolean {
    const person = this.#known.get(jid);
    if (person === undefined) return true;
    return person.onlyAllowed ? person.allowed.includes(user) : !person.blocked.includes(user);
  }

  /** Changes of one person come one after another. @throws PeopleFull; nothing is changed then */
  change(jid: BareJid, change: (person: Person) => Person): Promise<void> {
    return this.#bridge.queues.run(`${KEY}${jid}`, async () => {
      const before = this.#known.get(jid);
      const after = change(before ?? STRANGER);
      if (before === undefined && this.#known.size >= this.#bridge.settings.maxPeople) throw new PeopleFull();
      if (after.blocked.length > MAX_LIST || after.allowed.length > MAX_LIST) throw new PeopleFull();
      if (before === undefined) this.#known.set(jid, STRANGER); // his place, while the disk is written
      try {
        await this.#bridge.relay.storage.put(`${KEY}${jid}`, JSON.stringify(after));
      } catch (error) {
        if (before === undefined) this.#known.delete(jid);
        throw error;
      }
      this.#known.set(jid, after);
    });
  }

  /** Nothing is remembered of him. */
  forget(jid: BareJid): Promise<void> {
    return this.#bridge.queues.run(`${KEY}${jid}`, async () => {
      await this.#bridge.relay.storage.delete(`${KEY}${jid}`);
      this.#known.delete(jid);
    });
  }
}

function personOf(text: string, home: Parameters<typeof parseUser>[1]): Person | undefined {
  let value: Partial<Record<keyof Person, unknown>>;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const users = (list: unknown): UserAddress[] =>
    (Array.isArray(list) ? list : []).flatMap((each: unknown) => {
      const user = parseUser(String(each), home);
      return isAddressError(user) ? [] : [user];
    });
  return {
    registered: value.registered === true,
    name: typeof value.name === 'string' ? value.name : '',
    onlyAllowed: value.onlyAllowed === true,
    blocked: users(value.blocked),
    allowed: users(value.allowed),
  };
}
