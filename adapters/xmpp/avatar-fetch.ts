// Pictures of contacts fetched, once for each hash.

import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { avatarDataRequest, itemIn } from './pubsub.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Bridge, Pair } from './bridge.ts';
import { pictureOf } from './avatar.ts';
import type { IqRequests } from './iq-requests.ts';
import { NS } from './namespaces.ts';
import { RESOURCE } from './own-presence.ts';
import { childOf, textOf, xml } from './xml.ts';

/** Where a picture is: behind XEP-0084 metadata, or in the vCard. */
export type AvatarPlace = 'pep' | 'vcard';

/** Pictures being fetched at once; more are not. */
const MAX_UNDER_WAY = 100;

export class AvatarFetch {
  readonly #bridge: Bridge;
  readonly #iq: IqRequests;
  readonly #known: BoundedMap<string, PresenceAttribute>;
  readonly #underWay = new Map<string, Promise<PresenceAttribute | undefined>>();
  /** One picture is unpacked at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(bridge: Bridge, iq: IqRequests) {
    this.#bridge = bridge;
    this.#iq = iq;
    this.#known = new BoundedMap(bridge.settings.maxAvatars);
  }

  /** The StatusContent for a hash; undefined: it cannot be had. Never rejects for what the contact did. */
  get(pair: Pair, hash: string, place: AvatarPlace): Promise<PresenceAttribute | undefined> {
    const known = this.#known.get(hash);
    if (known !== undefined) return Promise.resolve(known);
    // Not shared between contacts while under way: one may be denied what the other is given.
    const key = `${place} ${hash} ${pair.userJid} ${pair.contactJid}`;
    const running = this.#underWay.get(key);
    if (running !== undefined) return running;
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      this.#bridge.relay.metrics.count('xmpp_avatars_dropped_total', { reason: 'busy' });
      return Promise.resolve(undefined);
    }
    const task = this.#fetch(pair, hash, place).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, task);
    return task;
  }

  async #fetch(pair: Pair, hash: string, place: AvatarPlace): Promise<PresenceAttribute | undefined> {
    const base64 = await (place === 'pep' ? this.#fromPep(pair, hash) : this.#fromCard(pair));
    const turn = this.#turn.then(() => pictureOf(hash, base64));
    this.#turn = turn.catch(() => undefined);
    const picture = await turn;
    if (picture === undefined)
      this.#bridge.relay.metrics.count('xmpp_avatars_dropped_total', { reason: 'unfit' });
    else this.#known.set(hash, picture);
    return picture;
  }

  async #fromPep(pair: Pair, hash: string): Promise<string> {
    const answer = await this.#iq.ask(from(pair), pair.contactJid, 'get', avatarDataRequest(hash));
    return 'error' in answer ? '' : textOf(itemIn(answer.payload, NS.avatarData)).slice(0, 400_000);
  }

  async #fromCard(pair: Pair): Promise<string> {
    const answer = await this.#iq.ask(from(pair), pair.contactJid, 'get', xml(NS.vcard, 'vCard'));
    const card = 'error' in answer ? undefined : answer.payload;
    const photo = card === undefined ? undefined : childOf(card, 'PHOTO');
    return photo === undefined ? '' : textOf(childOf(photo, 'BINVAL'));
  }
}

function from(pair: Pair): string {
  return `${pair.userJid}/${RESOURCE}`;
}
