// IQ requests to the gateway and to our users: every get and set is answered (RFC 6120 section 8.2.3). Service
// discovery (XEP-0030), ping (XEP-0199), vCard (XEP-0054), version (XEP-0092), address prompt (XEP-0100).

import { NotKnownNow } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { isUnmappable } from './addresses.ts';
import { guarded } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import { ownClient, ownClientAt } from './caps.ts';
import { clientTypeOf } from './client-type.ts';
import type { Incoming } from './component-link.ts';
import { errorReply } from './errors.ts';
import type { StanzaError } from './errors.ts';
import type { JidParts } from './jid.ts';
import type { Counter } from './commands/counter.ts';
import { NS } from './namespaces.ts';
import { typedUser } from './typed-address.ts';
import { UserQueries } from './user-queries.ts';
import type { Authorised } from './user-queries.ts';
import { childOf, elementsOf, stanza, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

interface Query {
  readonly payload: XmlElement;
  /** Whom it is for; undefined: the gateway itself. */
  readonly user: UserAddress | undefined;
  /** Who asks, and which of the addresses of the user. */
  readonly asker: JidParts;
  readonly resource: string;
}

/** The payload of the result; undefined: an empty result. */
type Answer = { readonly payload: XmlElement | undefined } | { readonly error: StanzaError };

const MALFORMED: StanzaError = { condition: 'bad-request', type: 'modify' };
const UNSUPPORTED: Answer = { error: { condition: 'service-unavailable', type: 'cancel' } };
/** The user may well be there, and be one who supports it. */
const NOT_NOW: Answer = { error: { condition: 'resource-constraint', type: 'wait' } };
const NO_SUCH_NODE: Answer = { error: { condition: 'item-not-found', type: 'cancel' } };

const COMPONENT_FEATURES = [NS.discoInfo, NS.discoItems, NS.gateway, NS.ping, NS.vcard, NS.version];
const NAME = 'Wireless Village gateway';

type QueryHandler = (query: Query) => Promise<Answer> | Answer;

export class IqResponder {
  readonly #bridge: Bridge;
  /** By type, namespace and name of the payload. */
  readonly #toComponent: Readonly<Record<string, QueryHandler>>;
  readonly #toUser: Readonly<Record<string, QueryHandler>>;

  /** `counter`: what the gateway itself offers beside the plain questions. */
  constructor(
    bridge: Bridge,
    presence: Authorised,
    counter?: Pick<Counter, 'features' | 'handlers' | 'node'>,
  ) {
    this.#bridge = bridge;
    const everywhere = {
      [`get ${NS.ping} ping`]: () => ({ payload: undefined }),
      [`get ${NS.discoItems} query`]: (query: Query) => ({
        payload: xml(NS.discoItems, 'query', nodeOf(query)),
      }),
    };
    this.#toComponent = {
      ...everywhere,
      [`get ${NS.discoInfo} query`]: (query) =>
        counter !== undefined && nodeOf(query).node !== undefined
          ? counter.node('info', nodeOf(query).node ?? '')
          : info(query, ['gateway', 'wv', NAME], [...COMPONENT_FEATURES, ...(counter?.features ?? [])]),
      [`get ${NS.discoItems} query`]: (query) =>
        counter !== undefined && nodeOf(query).node !== undefined
          ? counter.node('items', nodeOf(query).node ?? '')
          : { payload: xml(NS.discoItems, 'query') },
      ...counter?.handlers(),
      [`get ${NS.vcard} vCard`]: () => ({ payload: vcard(NAME) }),
      [`get ${NS.version} query`]: () => ({
        payload: xml(NS.version, 'query', {}, xml(NS.version, 'name', {}, 'wvgate')),
      }),
      [`get ${NS.gateway} query`]: () => ({ payload: this.#prompt() }),
      [`set ${NS.gateway} query`]: (query) => this.#resolve(query),
    };
    this.#toUser = {
      ...everywhere,
      ...new UserQueries(bridge, presence).handlers,
      [`get ${NS.discoInfo} query`]: (query) => userInfo(query, bridge, presence),
    };
  }

  received(incoming: Incoming): void {
    const { type } = incoming.stanza.attrs;
    if (type === 'get' || type === 'set') return guarded(this.#bridge, 'IQ', this.#respond(incoming, type));
    if (type !== 'result' && type !== 'error') return this.refuse(incoming, MALFORMED);
    return this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unexpected_iq' });
  }

  /** An answer in place of ours. */
  refuse(incoming: Incoming, error: StanzaError): void {
    const reply = errorReply(incoming.stanza, error);
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  async #respond(incoming: Incoming, type: 'get' | 'set'): Promise<void> {
    const answer = await this.#answer(incoming, type).catch((error: unknown): Answer => {
      if (error instanceof NotKnownNow) return NOT_NOW;
      this.#bridge.relay.log.error({ err: error }, 'XMPP gateway: an IQ request failed');
      return { error: { condition: 'internal-server-error', type: 'cancel' } };
    });
    const { id, from, to } = incoming.stanza.attrs;
    const reply =
      'error' in answer
        ? errorReply(incoming.stanza, answer.error)
        : stanza('iq', { type: 'result', id, from: to, to: from }, answer.payload);
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  async #answer(incoming: Incoming, type: 'get' | 'set'): Promise<Answer> {
    const [payload, more] = elementsOf(incoming.stanza);
    if (payload === undefined || more !== undefined) return { error: MALFORMED };
    const key = `${type} ${payload.ns} ${payload.name}`;
    const asked = { payload, asker: incoming.from, resource: incoming.to.resource };
    if (incoming.to.local === '')
      return (await this.#toComponent[key]?.({ ...asked, user: undefined })) ?? UNSUPPORTED;
    const user = this.#bridge.codec.localUser(incoming.to);
    // A user who does not exist answers like one who does not support it (RFC 6121 section 8.5.1).
    if (isUnmappable(user) || !(await this.#bridge.relay.userExists(user))) return UNSUPPORTED;
    return (await this.#toUser[key]?.({ ...asked, user })) ?? UNSUPPORTED;
  }

  #prompt(): XmlElement {
    const desc = `Enter the Wireless Village address of your contact, such as wv:user@${this.#bridge.relay.homeDomain}`;
    return xml(
      NS.gateway,
      'query',
      {},
      xml(NS.gateway, 'desc', {}, desc),
      xml(NS.gateway, 'prompt', {}, 'Address'),
    );
  }

  #resolve(query: Query): Answer {
    const user = typedUser(this.#bridge, textOf(childOf(query.payload, 'prompt')));
    const jid = user === undefined ? undefined : this.#bridge.codec.localJid(user);
    if (jid === undefined || isUnmappable(jid)) {
      return {
        error: { condition: 'not-acceptable', type: 'modify', text: 'not an address of this server' },
      };
    }
    return { payload: xml(NS.gateway, 'query', {}, xml(NS.gateway, 'jid', {}, jid)) };
  }
}

function nodeOf(query: Query): { readonly node: string | undefined } {
  return { node: query.payload.attrs['node'] };
}

function info(
  query: Query,
  [category, type, name]: readonly [string, string, string | undefined],
  features: readonly string[],
): Answer {
  if (query.payload.attrs['node'] !== undefined) return NO_SUCH_NODE;
  const offered = features.map((feature) => xml(NS.discoInfo, 'feature', { var: feature }));
  return {
    payload: xml(
      NS.discoInfo,
      'query',
      {},
      xml(NS.discoInfo, 'identity', { category, type, name }),
      ...offered,
    ),
  };
}

/** The account, or the one client that each user has (RESOURCE), which also has a node (XEP-0115). */
async function userInfo(query: Query, { settings }: Bridge, presence: Authorised): Promise<Answer> {
  const { node } = query.payload.attrs;
  const described = node === undefined ? undefined : ownClientAt(settings, node);
  if (described !== undefined) return { payload: described.info(node) };
  if (node !== undefined || query.resource === '' || query.user === undefined)
    return info(query, ['account', 'registered', undefined], ownClient(settings).accountFeatures);
  const seen = (await presence.authorised(query.user, query.asker)) ?? {};
  return { payload: ownClient(settings, clientTypeOf(seen)).info(undefined) };
}

function vcard(name: string): XmlElement {
  return xml(NS.vcard, 'vCard', {}, xml(NS.vcard, 'FN', {}, name), xml(NS.vcard, 'NICKNAME', {}, name));
}
