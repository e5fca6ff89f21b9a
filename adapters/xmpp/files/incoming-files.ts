// Files that XMPP users share, fetched for the phone. What cannot be, and what strangers share, stays a link.

import type { MessageContent } from '../../../src/wv/message.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { bareJid } from '../jid.ts';
import type { BareJid, JidParts } from '../jid.ts';
import { AddressGate } from './addresses.ts';
import { GuardedFetcher } from './fetch.ts';
import type { FileReference } from './links.ts';
import type { Partners } from './partners.ts';
import { TransferError } from './pinned-request.ts';

const MINUTE_MS = 60_000;
/** Contacts whose links are counted. */
const COUNTED_CONTACTS = 10_000;

export class IncomingFiles {
  readonly #bridge: Bridge;
  readonly #partners: Partners;
  readonly #fetcher: GuardedFetcher;
  readonly #counts = new BoundedMap<string, { readonly since: number; links: number }>(COUNTED_CONTACTS);

  constructor(bridge: Bridge, partners: Partners) {
    this.#bridge = bridge;
    this.#partners = partners;
    const { maxBytes, insecure, allow } = bridge.settings.files;
    this.#fetcher = new GuardedFetcher({ maxBytes, insecure, gate: new AddressGate(allow) });
  }

  /** The file as content; undefined = it stays a link. */
  async fetch({ from, to }: Incoming, reference: FileReference): Promise<MessageContent | undefined> {
    const contact = bareJid(from);
    if (!(await this.#wanted(bareJid(to), contact))) {
      this.#count('stranger');
      return undefined;
    }
    return await this.#fetched(contact, from.domain, reference);
  }

  /** The users for whom the file of an occupant is fetched, as if he wrote to each; `who` undefined: the room hides him. */
  async wantedBy(users: readonly BareJid[], who: BareJid | undefined): Promise<ReadonlySet<BareJid>> {
    const { fetchFrom } = this.#bridge.settings.files;
    if (fetchFrom === 'everybody') return new Set(users);
    if (fetchFrom === 'nobody' || who === undefined) return new Set();
    const wanted = await Promise.all(users.map((user) => this.#partners.knows(user, who)));
    return new Set(users.filter((_, index) => wanted[index] === true));
  }

  /** Of somebody in a room, when somebody there wants it. Undefined = it stays a link. */
  async fetchInRoom(from: JidParts, reference: FileReference): Promise<MessageContent | undefined> {
    return await this.#fetched(`${bareJid(from)}/${from.resource}`, from.domain, reference);
  }

  #count(outcome: string): void {
    this.#bridge.relay.metrics.count('xmpp_files_total', { direction: 'in', outcome });
  }

  async #fetched(
    sender: string,
    domain: string,
    reference: FileReference,
  ): Promise<MessageContent | undefined> {
    const { metrics, log } = this.#bridge.relay;
    const done = (outcome: string): undefined => this.#count(outcome) as undefined;
    if (!this.#withinRate(sender)) return done('rate');
    try {
      const { octets, type } = await this.#fetcher.fetch(reference.url);
      done('fetched');
      return {
        contentType: named(type, reference.name),
        encoding: 'base64',
        data: octets.toString('base64'),
      };
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const { failure, status } = error;
      metrics.count('xmpp_file_failures_total', { direction: 'in', failure });
      log.debug({ failure, status, domain }, 'XMPP gateway: a file was not fetched');
      return done('link');
    }
  }

  async #wanted(...pair: Parameters<Partners['knows']>): Promise<boolean> {
    const { fetchFrom } = this.#bridge.settings.files;
    if (fetchFrom === 'contacts') return await this.#partners.knows(...pair);
    return fetchFrom === 'everybody';
  }

  #withinRate(contact: string): boolean {
    const now = this.#bridge.relay.clock.now();
    const counted = this.#counts.get(contact);
    if (counted === undefined || now - counted.since >= MINUTE_MS) {
      this.#counts.set(contact, { since: now, links: 1 });
      return true;
    }
    counted.links += 1;
    return counted.links <= this.#bridge.settings.files.perMinute;
  }
}

/** COMPAT(phones): they compare the type of a picture as a whole, so only other files carry their names. */
function named(type: string, name: string): string {
  return name === '' || type.startsWith('image/') ? type : `${type}; name="${name}"`;
}
