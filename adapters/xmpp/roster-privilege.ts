// Contacts named in rosters of XMPP users, where their server lets us (XEP-0356; bridging 8). The subscription itself
// makes the roster item; this gives it the name of our user and a group, once. What its owner wrote stays.

import { isUnmappable } from './addresses.ts';
import { guarded, pairKey } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { knownName } from './contact-names.ts';
import type { IqRequests } from './iq-requests.ts';
import { parseJid } from './jid.ts';
import { NS } from './namespaces.ts';
import { pairBetween } from './pairs.ts';
import { Pacer } from './pacer.ts';
import { rosterItem, RosterSuggestions } from './roster-suggestions.ts';
import { childOf, elementsOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

type Access = 'set' | 'both';

/** What a roster has of our user. */
type Standing = 'absent' | 'nameless' | 'named';

const VERSIONS = [NS.privilege2, NS.privilege1] as const;
const PREFIX = 'subscription ';

/**
 * Answers after which trying with others is no use.
 * COMPAT(ejabberd 23.01): grants the privilege, lets us read, and fails with internal-server-error when we
 * write (its issue 3942).
 */
const REFUSALS: ReadonlySet<string> = new Set([
  'feature-not-implemented',
  'forbidden',
  'internal-server-error',
  'not-allowed',
  'service-unavailable',
]);

export class RosterPrivilege {
  readonly #bridge: Bridge;
  readonly #iq: IqRequests;
  /** What the server of a domain lets us do, on this stream. */
  readonly #granted = new Map<string, Access>();
  readonly #writes: Pacer;
  readonly #suggestions: RosterSuggestions;

  constructor(bridge: Bridge, iq: IqRequests) {
    const { probeRate, maxPresencePairs } = bridge.settings;
    this.#bridge = bridge;
    this.#iq = iq;
    this.#writes = new Pacer(bridge.relay.clock, probeRate, maxPresencePairs);
    this.#suggestions = new RosterSuggestions(bridge);
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

  /** The contact granted our user his presence. */
  granted(pair: Pair): void {
    if (this.#access(pair) === undefined) this.#suggestions.granted(pair);
    else this.agreed(pair);
  }

  /** The two agreed on a subscription, in whichever direction. */
  agreed(pair: Pair): void {
    if (this.#access(pair) === undefined) return;
    this.#writes.run(pairKey(pair), () => guarded(this.#bridge, 'roster', this.#name(pair)));
  }

  /** The user gave the contact up: a later subscription is named again. */
  async forget(pair: Pair): Promise<void> {
    await this.#bridge.relay.storage.delete(markOf(pair));
    await this.#suggestions.forget(pair);
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
    const pair = pairBetween(this.#bridge.codec, userJid, contactJid);
    return isUnmappable(pair) ? undefined : pair;
  }

  #access(pair: Pair): Access | undefined {
    return this.#granted.get(domainOf(pair));
  }

  async #name(pair: Pair): Promise<void> {
    const { storage } = this.#bridge.relay;
    const access = this.#access(pair);
    if (access === undefined || (await storage.get(markOf(pair))) !== undefined) return;
    const standing = access === 'both' ? await this.#standing(pair) : 'nameless';
    if (standing === 'nameless') {
      const name = await knownName(this.#bridge, pair.user);
      if (name === undefined) return;
      const item = rosterItem({ jid: pair.userJid, name });
      if ((await this.#ask(pair, 'set', xml(NS.roster, 'query', {}, item))) === 'error') return;
    }
    // A name of its owner, or ours. Of who is not there yet a later subscription tells.
    if (standing !== 'absent') await storage.put(markOf(pair), standing === 'named' ? 'kept' : 'named');
  }

  async #standing(pair: Pair): Promise<Standing> {
    const roster = await this.#ask(pair, 'get', xml(NS.roster, 'query'));
    const items = roster === 'error' || roster === undefined ? [] : elementsOf(roster);
    const item = items.find(({ attrs }) => attrs['jid'] === pair.userJid);
    if (item === undefined) return 'absent';
    return (item.attrs['name'] ?? '') === '' ? 'nameless' : 'named';
  }

  async #ask(pair: Pair, type: 'get' | 'set', query: XmlElement): Promise<XmlElement | undefined | 'error'> {
    const answer = await this.#iq.ask(this.#bridge.settings.componentDomain, pair.contactJid, type, query);
    if (!('error' in answer)) return answer.payload;
    this.#failed(pair, answer.error.condition);
    return 'error';
  }

  /** Said once a stream: a server that refuses once refuses all of it. */
  #failed(pair: Pair, condition: string): void {
    const { metrics, log } = this.#bridge.relay;
    metrics.count('xmpp_roster_failures_total', { condition });
    if (!REFUSALS.has(condition) || !this.#granted.delete(domainOf(pair))) return;
    log.warn(
      { domain: domainOf(pair), condition },
      'XMPP server grants rosters (XEP-0356), but refuses them',
    );
    this.#suggestions.granted(pair);
  }
}

function domainOf({ contactJid }: Pair): string {
  return parseJid(contactJid)?.domain ?? '';
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
