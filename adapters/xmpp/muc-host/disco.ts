// What rooms and their service say of themselves (XEP-0030, XEP-0045 section 6): features from the group's properties,
// the rooms that anybody may find, page by page (XEP-0059).

import type { GroupAddress } from '../../../src/wv/ids.ts';
import type { GetGroupPropsResponse } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { NS } from '../namespaces.ts';
import { parseJid } from '../jid.ts';
import { childOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ask, propertiesOf } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { form } from './form.ts';
import { isStableResource } from '../jid.ts';
import { propertyOf } from './room.ts';

export const SERVICE_NAME = 'Wireless Village groups';

const SERVICE_FEATURES = [NS.discoInfo, NS.discoItems, NS.muc, NS.ping, NS.rsm, NS.vcard, NS.version];
const ROOM_FEATURES = [
  NS.discoInfo,
  NS.discoItems,
  NS.muc,
  NS.mucUser,
  NS.mucAdmin,
  NS.mucOwner,
  NS.occupantId,
  NS.ping,
  NS.selfPing,
  NS.stanzaId,
  NS.vcard,
  `${NS.muc}#stable_id`,
  // What WV groups never have: voice that is given and taken, and passwords.
  'muc_unmoderated',
  'muc_unsecured',
];
const ROOM_INFO = 'http://jabber.org/protocol/muc#roominfo';

/** Rooms of one page, at most and by default. */
const PAGE = 50;

type Answered = { readonly payload: XmlElement | undefined } | Result;

export function serviceInfo(): XmlElement {
  return info(SERVICE_NAME, SERVICE_FEATURES);
}

function info(name: string, features: readonly string[], extended?: XmlElement): XmlElement {
  return xml(
    NS.discoInfo,
    'query',
    {},
    xml(NS.discoInfo, 'identity', { category: 'conference', type: 'text', name }),
    ...features.map((feature) => xml(NS.discoInfo, 'feature', { var: feature })),
    extended,
  );
}

export async function roomInfo(context: HostContext, { user, group, roomJid }: Visit): Promise<Answered> {
  const properties = await propertiesOf(context, user, group);
  if ('code' in properties) return properties;
  const name = nameOf(properties, roomJid);
  const of = (property: string): string => propertyOf(properties.properties, property) ?? '';
  const features = [
    of('Searchable') === 'T' ? 'muc_public' : 'muc_hidden',
    of('Accesstype') === 'Restricted' || of('RequireInvitation') === 'T' ? 'muc_membersonly' : 'muc_open',
    of('AutoDelete') === 'T' ? 'muc_temporary' : 'muc_persistent',
    propertyOf(properties.ownProperties, 'ShowID') === 'T' ? 'muc_nonanonymous' : 'muc_semianonymous',
  ];
  const extended = form('result', ROOM_INFO, [
    { name: 'muc#roominfo_description', type: 'text-single', value: of('Name') },
    { name: 'muc#roominfo_subject', type: 'text-single', value: of('Topic') },
    { name: 'muc#roominfo_occupants', type: 'text-single', value: of('ActiveUsers') },
  ]);
  return { payload: info(name, [...ROOM_FEATURES, ...features], extended) };
}

export function nameOf({ properties }: GetGroupPropsResponse, roomJid: string): string {
  const name = propertyOf(properties, 'Name') ?? '';
  return name === '' ? roomJid.slice(0, roomJid.indexOf('@')) : name;
}

/** Who is in: for who is inside, and for anybody where the group can be found. */
export async function roomItems(context: HostContext, { user, group, roomJid }: Visit): Promise<Answered> {
  const joined = await ask(context, user, group, { primitive: 'GetJoinedUsersRequest' });
  if (joined.result.code === 800 || joined.result.code === 516) return joined.result;
  const names =
    joined.primitive === 'GetJoinedUsersResponse'
      ? joined.joined.map(({ screenName }) => screenName)
      : await publicNames(context, { user, group, roomJid });
  const items = names
    .filter(isStableResource)
    .slice(0, context.bridge.settings.maxRoomOccupants)
    .map((nick) => xml(NS.discoItems, 'item', { jid: `${roomJid}/${nick}`, name: nick }));
  return { payload: xml(NS.discoItems, 'query', {}, ...items) };
}

/** As far as occupants of ours see them. */
async function publicNames(
  context: HostContext,
  { user, group, roomJid }: Pick<Visit, 'user' | 'group' | 'roomJid'>,
): Promise<readonly string[]> {
  const properties = await propertiesOf(context, user, group);
  if ('code' in properties || propertyOf(properties.properties, 'Searchable') !== 'T') return [];
  return [...(context.rooms.get(roomJid)?.present.values() ?? [])].map(({ nick }) => nick);
}

/** Groups that can be found, by pages; without a page the first. */
export async function serviceItems(
  context: HostContext,
  user: Visit['user'],
  query: XmlElement,
): Promise<Answered> {
  const set = childOf(query, 'set', NS.rsm);
  const asked = Number(textOf(set === undefined ? undefined : childOf(set, 'max')) || PAGE);
  if (!Number.isInteger(asked) || asked < 0) return result(400, 'not a number of rooms');
  const after = groupAfter(context, textOf(set === undefined ? undefined : childOf(set, 'after')));
  if (typeof after === 'object') return after;
  const most = Math.min(asked, PAGE);
  const groups = most === 0 ? [] : await context.bridge.relay.publicGroups(after, most);
  const items = await Promise.all(groups.map((group) => itemOf(context, user, group)));
  const known = items.filter((item) => item !== undefined);
  return {
    payload: xml(
      NS.discoItems,
      'query',
      {},
      ...known,
      xml(
        NS.rsm,
        'set',
        {},
        known[0] === undefined ? undefined : xml(NS.rsm, 'first', {}, known[0].attrs['jid'] ?? ''),
        lastOf(context, groups),
      ),
    ),
  };
}

async function itemOf(
  context: HostContext,
  user: Visit['user'],
  group: GroupAddress,
): Promise<XmlElement | undefined> {
  const jid = context.codec.roomJid(group);
  if (isUnmappable(jid)) return undefined;
  const properties = await propertiesOf(context, user, group);
  if ('code' in properties) return undefined;
  return xml(NS.discoItems, 'item', { jid, name: nameOf(properties, jid) });
}

/** Where the next page begins. A group that has no JID is named by its address. */
function lastOf({ codec }: HostContext, groups: readonly GroupAddress[]): XmlElement | undefined {
  const last = groups.at(-1);
  if (last === undefined) return undefined;
  const jid = codec.roomJid(last);
  return xml(NS.rsm, 'last', {}, isUnmappable(jid) ? last : jid);
}

function groupAfter({ codec }: HostContext, text: string): GroupAddress | undefined | Result {
  if (text === '') return undefined;
  if (text.startsWith('wv:')) return text as GroupAddress;
  const parts = parseJid(text);
  const group = parts === undefined ? undefined : codec.group(parts);
  return group === undefined || isUnmappable(group) ? result(404, 'no such page') : group;
}
