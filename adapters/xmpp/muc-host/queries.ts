// IQ requests to the service, to rooms and to occupants: every get and set is answered (RFC 6120 section 8.2.3).

import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { errorReply } from '../errors.ts';
import type { StanzaError } from '../errors.ts';
import { NS } from '../namespaces.ts';
import { elementsOf, stanza, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { changed, listed } from './admin.ts';
import { propertiesOf, visitOf } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { nameOf, roomInfo, roomItems, SERVICE_NAME, serviceInfo, serviceItems } from './disco.ts';
import { configuration, configure } from './owner.ts';
import { foldNick } from './room-addresses.ts';
import { roomErrorOf } from './refusals.ts';

type Answered = { readonly payload: XmlElement | undefined } | { readonly error: StanzaError } | Result;

type ToRoom = (context: HostContext, visit: Visit, payload: XmlElement) => Promise<Answered> | Answered;
type ToService = (
  context: HostContext,
  incoming: Incoming,
  payload: XmlElement,
) => Promise<Answered> | Answered;

const UNSUPPORTED: Answered = { error: { condition: 'service-unavailable', type: 'cancel' } };
const NO_SUCH_NODE: Answered = { error: { condition: 'item-not-found', type: 'cancel' } };
/** XEP-0410: the one answer that means "you are not in". */
const NOT_IN: Answered = { error: { condition: 'not-acceptable', type: 'cancel' } };

const EMPTY: Answered = { payload: undefined };

/** By type, namespace and name of the payload. */
const TO_SERVICE: Readonly<Record<string, ToService>> = {
  [`get ${NS.ping} ping`]: () => EMPTY,
  [`get ${NS.discoInfo} query`]: (_context, _incoming, query) =>
    hasNode(query) ? NO_SUCH_NODE : { payload: serviceInfo() },
  [`get ${NS.discoItems} query`]: (context, { from }, query) => {
    if (hasNode(query)) return NO_SUCH_NODE;
    const user = context.bridge.codec.foreignUser(from);
    return isUnmappable(user) ? result(user.unmappable, user.reason) : serviceItems(context, user, query);
  },
  [`get ${NS.vcard} vCard`]: () => ({ payload: vcard(SERVICE_NAME) }),
  [`get ${NS.version} query`]: () => ({
    payload: xml(NS.version, 'query', {}, xml(NS.version, 'name', {}, 'wvgate')),
  }),
};

const TO_ROOM: Readonly<Record<string, ToRoom>> = {
  [`get ${NS.ping} ping`]: () => EMPTY,
  [`get ${NS.discoInfo} query`]: (context, visit, query) =>
    hasNode(query) ? nodeInfo(query) : roomInfo(context, visit),
  [`get ${NS.discoItems} query`]: (context, visit, query) =>
    hasNode(query) ? NO_SUCH_NODE : roomItems(context, visit),
  [`get ${NS.vcard} vCard`]: async (context, { user, group, roomJid }) => {
    const properties = await propertiesOf(context, user, group);
    return 'code' in properties ? properties : { payload: vcard(nameOf(properties, roomJid)) };
  },
  [`get ${NS.mucAdmin} query`]: listed,
  [`set ${NS.mucAdmin} query`]: changed,
  [`get ${NS.mucOwner} query`]: configuration,
  [`set ${NS.mucOwner} query`]: configure,
};

/** Answers an IQ. */
export function query(context: HostContext, incoming: Incoming): void {
  const { type } = incoming.stanza.attrs;
  if (type === 'get' || type === 'set') {
    guarded(context.bridge, 'IQ to a room', respond(context, incoming, type));
  } else context.bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'unexpected_iq' });
}

async function respond(context: HostContext, incoming: Incoming, type: 'get' | 'set'): Promise<void> {
  const answer = await answerTo(context, incoming, type).catch((error: unknown): Answered => {
    context.bridge.relay.log.error({ err: error }, 'XMPP gateway: an IQ to a room failed');
    return result(500);
  });
  const reply = replyTo(incoming.stanza, answer);
  if (reply !== undefined) context.bridge.link.send(reply);
}

function replyTo(original: XmlElement, answer: Answered): XmlElement | undefined {
  if ('error' in answer) return errorReply(original, answer.error);
  if ('code' in answer) return errorReply(original, roomErrorOf(isSuccess(answer) ? result(500) : answer));
  const { id, from, to } = original.attrs;
  return stanza('iq', { type: 'result', id, from: to, to: from }, answer.payload);
}

async function answerTo(context: HostContext, incoming: Incoming, type: 'get' | 'set'): Promise<Answered> {
  const [payload] = elementsOf(incoming.stanza);
  if (payload === undefined) return { error: { condition: 'bad-request', type: 'modify' } };
  const key = `${type} ${payload.ns} ${payload.name}`;
  if (incoming.to.local === '') return (await TO_SERVICE[key]?.(context, incoming, payload)) ?? UNSUPPORTED;
  const visit = visitOf(context, incoming);
  if ('code' in visit) return visit;
  if (visit.nick !== '') return toOccupant(context, visit, key);
  return (await TO_ROOM[key]?.(context, visit, payload)) ?? UNSUPPORTED;
}

/** Only a ping to oneself has an answer of its own (XEP-0410); phones behind the other nicks answer no IQ. */
function toOccupant({ rooms }: HostContext, { roomJid, jid, resource, nick }: Visit, key: string): Answered {
  const room = rooms.get(roomJid);
  const asker = room?.occupants.get(jid);
  if (room === undefined || asker?.resources.has(resource) !== true) return NOT_IN;
  const isOwn = foldNick(asker.nick) === foldNick(nick);
  if (isOwn && key === `get ${NS.ping} ping`) return EMPTY;
  return room.presentAs(nick) === undefined ? NO_SUCH_NODE : UNSUPPORTED;
}

function hasNode({ attrs }: XmlElement): boolean {
  return attrs['node'] !== undefined;
}

/** Traffic statistics and reserved nicks (XEP-0045 sections 6.4, 7.12): there are none, which is no error. */
function nodeInfo({ attrs }: XmlElement): Answered {
  const known = attrs['node'] === 'x-roomuser-item' || attrs['node'] === `${NS.muc}#traffic`;
  return known ? { payload: xml(NS.discoInfo, 'query', { node: attrs['node'] }) } : NO_SUCH_NODE;
}

function vcard(name: string): XmlElement {
  return xml(NS.vcard, 'vCard', {}, xml(NS.vcard, 'FN', {}, name));
}
