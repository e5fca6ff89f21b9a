// What contacts' clients say of themselves (XEP-0115): asked once for each hash, believed only when it fits the hash.

import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Bridge, Pair } from './bridge.ts';
import { nodesWanted, verOf } from './caps.ts';
import type { Caps } from './caps.ts';
import { clientInfoIn } from './client-type.ts';
import type { IqRequests } from './iq-requests.ts';
import { NS } from './namespaces.ts';
import { xml } from './xml.ts';

export interface Description {
  /** Nodes whose events (XEP-0163) it wants. */
  readonly nodes: ReadonlySet<string>;
  /** Undefined: it is no client. */
  readonly clientInfo: PresenceAttribute | undefined;
}

export class ClientDescriptions {
  readonly #iq: IqRequests;
  /** By hash. */
  readonly #known: BoundedMap<string, Description>;
  /** Questions under way, by client and hash: another client's answer to the same hash may be a lie. */
  readonly #asked = new Map<string, Promise<Description | undefined>>();

  constructor({ settings }: Bridge, iq: IqRequests) {
    this.#iq = iq;
    this.#known = new BoundedMap(settings.maxCapabilities);
  }

  /** What is known of a hash already. */
  known(ver: string): Description | undefined {
    return this.#known.get(ver);
  }

  /** The description of a contact's client; undefined: no answer, or one that is not what its hash says. */
  async of(pair: Pair, resource: string, caps: Caps): Promise<Description | undefined> {
    const known = this.#known.get(caps.ver);
    if (known !== undefined) return known;
    const client = `${pair.contactJid}/${resource}`;
    const key = `${caps.ver} ${pair.userJid} ${client}`;
    const asked = this.#asked.get(key);
    if (asked !== undefined) return await asked;
    const question = this.#ask(pair, client, caps).finally(() => this.#asked.delete(key));
    this.#asked.set(key, question);
    return await question;
  }

  async #ask(pair: Pair, client: string, { node, ver }: Caps): Promise<Description | undefined> {
    const query = xml(NS.discoInfo, 'query', { node: `${node}#${ver}` });
    const answer = await this.#iq.ask(pair.userJid, client, 'get', query);
    const info = 'error' in answer ? undefined : answer.payload;
    if (info === undefined || verOf(info) !== ver) return undefined;
    const description = { nodes: nodesWanted(info), clientInfo: clientInfoIn(info) };
    this.#known.set(ver, description);
    return description;
  }
}
