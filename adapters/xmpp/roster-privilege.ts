// Contacts named in rosters of XMPP users, where their server lets us (XEP-0356; bridging 8). The subscription itself
// makes the roster item; this gives it the name of our user and a group, once. What its owner wrote stays.

import type { UserAddress } from '../../src/wv/ids.ts';
import { isUnmappable } from './addresses.ts';
import { guarded, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import type { IqRequests } from './iq-requests.ts';
import { parseJid } from './jid.ts';
import { NS } from './namespaces.ts';
import { Pacer } from './pacer.ts';
import { childOf, elementsOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

type Access = 'set' | 'both';

const GROUP = 'Wireless Village';
const VERSIONS = [NS.privilege2, NS.privilege1] as const;
const PREFIX = 'subscription ';

export class RosterPrivilege {
  readonly #bridge: Bridge;
  readonly #iq: IqRequests;
  /** What the server of a domain lets us do, on this stream. */
  readonly #granted = new Map<string, Access>();
  readonly #writes: Pacer;

  constructor(bridge: Bridge, iq: IqRequests) {
    const { probeRate, maxPresencePairs } = bridge.settings;
    this.#bridge = bridge;
    this.#iq = iq;
    this.#writes = new Pacer(bridge.relay.clock, probeRate, maxPresencePairs);
  }

  /** True when a message is what a server says of our privileges. Only that of a domain of ours, itself, is heard. */
  received({ stanza, from }: Incoming): boolean {
    const privilege = VERSIONS.map((ns) => childOf(stanza, 'privilege', ns)).find(
      (each) => each !== undefined,
    );
    if (privilege === undefined) return false;
    const access = rosterAccess(privilege);
    const isServer =
      from.local === '' && from.resource === '' && this.#bridge.settings.domains.includes(from.domain);
    if (!isServer)
      this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'foreign_privilege' });
    else if (access === undefined) this.#granted.delete(from.domain);
    else {
      this.#granted.set(from.domain, access);
      this.#catchUp(from.domain);
    }
    return true;
  }

  /** The two agreed on a subscription, in whichever direction. */
  agreed(pair: Pair): void {
    const { contactJid } = pair;
    if (!this.#granted.has(parseJid(contactJid)?.domain ?? '')) return;
    this.#writes.run(pairKey(pair), () => guarded(this.#bridge, 'roster', this.#name(pair)));
  }

  /** The user gave the contact up: a later subscription is named again. */
  async forget(pair: Pair): Promise<void> {
    await this.#bridge.relay.storage.delete(markOf(pair));
  }

  /** The stream can be written to. What the server grants may have come before, with the end of the handshake. */
  online(): void {
    for (const domain of this.#granted.keys()) this.#catchUp(domain);
  }

  /** The stream ended, and with it what was granted. */
  offline(): void {
    this.#granted.clear();
    this.#writes.clear();
  }

  /** Subscriptions from before the grant. */
  #catchUp(domain: string): void {
    const all = async (): Promise<void> => {
      for (const [key, sides] of await this.#bridge.relay.storage.list(PREFIX)) {
        const pair = sides.includes('yes') ? this.#pairOf(key.slice(PREFIX.length)) : undefined;
        if (pair !== undefined && parseJid(pair.contactJid)?.domain === domain) this.agreed(pair);
      }
    };
    guarded(this.#bridge, 'roster', all());
  }

  #pairOf(key: string): Pair | undefined {
    const [userJid, contactJid] = key.split(' ').map((text) => parseJid(text));
    if (userJid === undefined || contactJid === undefined) return undefined;
    const user = this.#bridge.codec.localUser(userJid);
    const contact = this.#bridge.codec.foreignUser(contactJid);
    if (isUnmappable(user) || isUnmappable(contact)) return undefined;
    return this.#jids(user, contact);
  }

  #jids(user: UserAddress, contact: UserAddress): Pair | undefined {
    const userJid = this.#bridge.codec.localJid(user);
    const contactJid = this.#bridge.codec.foreignJid(contact);
    if (isUnmappable(userJid) || isUnmappable(contactJid)) return undefined;
    return { user, userJid, contact, contactJid };
  }

  async #name(pair: Pair): Promise<void> {
    const { storage } = this.#bridge.relay;
    const access = this.#granted.get(parseJid(pair.contactJid)?.domain ?? '');
    if (access === undefined || (await storage.get(markOf(pair))) !== undefined) return;
    const name = await this.#bridge.relay.displayName(pair.user);
    if (name === undefined || (access === 'both' && !(await this.#isNameless(pair)))) return;
    const item = xml(NS.roster, 'item', { jid: pair.userJid, name }, xml(NS.roster, 'group', {}, GROUP));
    const answer = await this.#ask(pair, 'set', xml(NS.roster, 'query', {}, item));
    if (answer !== 'error') await storage.put(markOf(pair), 'named');
  }

  /** True when the contact has our user in his roster and gave him no name. */
  async #isNameless(pair: Pair): Promise<boolean> {
    const roster = await this.#ask(pair, 'get', xml(NS.roster, 'query'));
    if (roster === 'error' || roster === undefined) return false;
    const item = elementsOf(roster).find(({ attrs }) => attrs['jid'] === pair.userJid);
    return item !== undefined && (item.attrs['name'] ?? '') === '';
  }

  async #ask(pair: Pair, type: 'get' | 'set', query: XmlElement): Promise<XmlElement | undefined | 'error'> {
    const answer = await this.#iq.ask(this.#bridge.settings.componentDomain, pair.contactJid, type, query);
    return 'error' in answer ? 'error' : answer.payload;
  }
}

function markOf(pair: Pair): string {
  return `roster ${pairKey(pair)}`;
}

function rosterAccess(privilege: XmlElement): Access | undefined {
  const perm = elementsOf(privilege).find(
    ({ name, attrs }) => name === 'perm' && attrs['access'] === 'roster',
  );
  const type = perm?.attrs['type'];
  return type === 'set' || type === 'both' ? type : undefined;
}
