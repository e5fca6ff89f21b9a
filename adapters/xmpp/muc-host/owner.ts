// The owner's form ⇄ properties of the group (bridging 7.1) as a table, and the end of a room (XEP-0045 section 10).

import type { GroupProperty } from '../../../src/wv/primitives.ts';
import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { NS } from '../namespaces.ts';
import { childOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ask, fullJid, inRoom, propertiesOf, tellAll } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { form, submitted, truth } from './form.ts';
import type { Field } from './form.ts';
import { propertyOf } from './room.ts';
import { configurationChanged } from './stanzas.ts';

const CONFIG = 'http://jabber.org/protocol/muc#roomconfig';

interface Row {
  readonly field: string;
  readonly type: Field['type'];
  readonly label: string;
  readonly options?: readonly string[];
  /** Whose property it is; WelcomeNote is neither's. */
  readonly of: 'group' | 'own' | 'note';
  readonly property: string;
  /** From the property's value to the field's, and back; undefined = not acceptable. */
  readonly show: (value: string) => string;
  readonly read: (value: string) => string | undefined;
}

const same = (value: string): string => value;

/** A choice of two: the value of the property that a field is true, or has its first option, for. */
function flag(yes: string, no: string): Pick<Row, 'type' | 'show' | 'read'> {
  return {
    type: 'boolean',
    show: (value) => (value === yes ? '1' : '0'),
    read: (value) => {
      const set = truth(value);
      return set === undefined ? undefined : set ? yes : no;
    },
  };
}

function choice(first: string, second: string): Pick<Row, 'type' | 'options' | 'show' | 'read'> {
  return {
    type: 'list-single',
    options: [first, second],
    show: (value) => (value === 'T' ? first : second),
    read: (value) => (value === first ? 'T' : value === second ? 'F' : undefined),
  };
}

const text = { type: 'text-single', show: same, read: same } as const;

export const ROWS: readonly Row[] = [
  { field: 'muc#roomconfig_roomname', label: 'Name', of: 'group', property: 'Name', ...text },
  {
    field: 'muc#roomconfig_membersonly',
    label: 'Members only',
    of: 'group',
    property: 'Accesstype',
    ...flag('Restricted', 'Open'),
  },
  {
    field: 'muc#roomconfig_publicroom',
    label: 'Can be found',
    of: 'group',
    property: 'Searchable',
    ...flag('T', 'F'),
  },
  {
    field: 'muc#roomconfig_allowpm',
    label: 'Private messages',
    of: 'group',
    property: 'PrivateMessaging',
    ...choice('anyone', 'none'),
  },
  {
    field: 'muc#roomconfig_maxusers',
    label: 'Most users at once',
    of: 'group',
    property: 'MaxActiveUsers',
    ...text,
    read: (value) => (value === 'none' ? '' : value),
  },
  {
    field: 'muc#roomconfig_persistentroom',
    label: 'Stays when everybody has left',
    of: 'group',
    property: 'AutoDelete',
    ...flag('F', 'T'),
  },
  {
    field: 'muc#roomconfig_enablelogging',
    label: 'Keeps a history',
    of: 'group',
    property: 'History',
    ...flag('T', 'F'),
  },
  {
    field: 'muc#roomconfig_whois',
    label: 'Who may see your address',
    of: 'own',
    property: 'ShowID',
    ...choice('anyone', 'moderators'),
  },
  {
    field: 'wv#welcomenote',
    label: 'Welcome note',
    of: 'note',
    property: 'WelcomeNote',
    ...text,
    type: 'text-multi',
  },
];

type Answered = { readonly payload: XmlElement | undefined } | Result;

/** The form; only for Admins. */
export async function configuration(context: HostContext, { user, group }: Visit): Promise<Answered> {
  const properties = await propertiesOf(context, user, group);
  if ('code' in properties) return properties;
  if (propertyOf(properties.ownProperties, 'PrivilegeLevel') !== 'Admin') return result(816);
  const fields = ROWS.map(({ field, type, label, options, of, property, show }): Field => {
    const from = of === 'own' ? properties.ownProperties : properties.properties;
    const value = of === 'note' ? (properties.welcomeNote ?? '') : (propertyOf(from, property) ?? '');
    return { name: field, type, label, value: show(value), ...(options === undefined ? {} : { options }) };
  });
  return { payload: xml(NS.mucOwner, 'query', {}, form('form', CONFIG, fields)) };
}

/** A filled-in form, a cancelled one, or the end of the room. */
export async function configure(context: HostContext, visit: Visit, query: XmlElement): Promise<Answered> {
  const end = childOf(query, 'destroy');
  if (end !== undefined) return await destroyed(context, visit, end);
  if (childOf(query, 'x', NS.dataForm)?.attrs['type'] === 'cancel') return { payload: undefined };
  const values = submitted(query);
  if (values === undefined) return result(400, 'no form');
  const change = changeOf(values);
  if ('code' in change) return change;
  const answer = await ask(context, visit.user, visit.group, {
    primitive: 'SetGroupPropsRequest',
    ...change,
  });
  if (!isSuccess(answer.result)) return answer.result;
  await tellActor(context, visit);
  return { payload: undefined };
}

/** The home tells everybody but him who changed something. */
async function tellActor(context: HostContext, { roomJid, jid }: Visit): Promise<void> {
  await inRoom(context, roomJid, async () => {
    const occupant = context.rooms.get(roomJid)?.occupants.get(jid);
    if (occupant === undefined) return;
    await tellAll(context, [occupant], (viewer, resource) => [
      configurationChanged(roomJid, fullJid(viewer, resource)),
    ]);
  });
}

function changeOf(values: ReadonlyMap<string, string>): PropertyChange | Result {
  const properties: GroupProperty[] = [];
  const ownProperties: GroupProperty[] = [];
  let welcomeNote: string | undefined;
  for (const { field, of, property, read } of ROWS) {
    const filled = values.get(field);
    if (filled === undefined) continue;
    const value = read(filled);
    if (value === undefined) return result(806, `${field}: invalid value`);
    if (of === 'note') welcomeNote = value;
    else (of === 'own' ? ownProperties : properties).push({ name: property, value });
  }
  return {
    ...(properties.length === 0 ? {} : { properties }),
    ...(ownProperties.length === 0 ? {} : { ownProperties }),
    ...(welcomeNote === undefined ? {} : { welcomeNote }),
  };
}

interface PropertyChange {
  readonly properties?: readonly GroupProperty[];
  readonly ownProperties?: readonly GroupProperty[];
  readonly welcomeNote?: string;
}

/** Who is in learns the reason by the notice that follows. */
async function destroyed(context: HostContext, visit: Visit, end: XmlElement): Promise<Answered> {
  const reason = textOf(childOf(end, 'reason'));
  return await inRoom(context, visit.roomJid, async () => {
    const room = context.rooms.get(visit.roomJid);
    if (room !== undefined) room.destruction = { reason, alternate: end.attrs['jid'] ?? '' };
    const answer = await ask(context, visit.user, visit.group, { primitive: 'DeleteGroupRequest' });
    if (isSuccess(answer.result)) return { payload: undefined };
    if (room !== undefined) room.destruction = undefined;
    return answer.result;
  });
}
