// Test support: groups in the words of each version, by hand.

import { child, childText, type Element } from '../../src/wv/element.ts';
import type { CspVersion } from '../../src/wv/version.ts';
import { elements, property, users } from './csp-variants.ts';
import { HABITS, type Habits } from './phone.ts';
import { all, drain, texts } from './phone-scene.ts';
import type { Phone } from './phone.ts';

/** Clients that want the forms of the specification: Nokia in 1.1 and 1.2, somebody else in 1.3. */
export const GROUP_VERSIONS = [
  ['1.1', 'xml', { ...HABITS.s60, encoding: 'xml', version: '1.1' }],
  ['1.2', 'wbxml', { ...HABITS.s60, encoding: 'wbxml', version: '1.2' }],
  ['1.3', 'xml', { ...HABITS.s60, encoding: 'xml', version: '1.3' }],
] as const satisfies readonly (readonly [CspVersion, string, Habits])[];

type Properties = Readonly<Record<string, string>>;

const propertyList = (name: string, properties: Properties, more = ''): string =>
  elements(
    name,
    Object.entries(properties)
      .map(([key, value]) => property(key, value))
      .join('') + more,
  );

const screenName = (group: string, name: string | undefined): string =>
  name === undefined ? '' : elements('ScreenName', elements('SName', name) + elements('GroupID', group));

export interface CreateParts {
  readonly properties?: Properties;
  readonly note?: string;
  readonly join?: boolean;
  readonly name?: string;
  readonly subscribe?: boolean;
}

export function createGroup(group: string, parts: CreateParts = {}): string {
  const { properties = {}, note, join = false, name, subscribe = false } = parts;
  const welcome =
    note === undefined
      ? ''
      : elements('WelcomeNote', elements('ContentType', 'text/plain') + elements('ContentData', note));
  return elements(
    'CreateGroup-Request',
    elements('GroupID', group) +
      propertyList('GroupProperties', properties, welcome) +
      elements('JoinGroup', join ? 'T' : 'F') +
      screenName(group, name) +
      elements('SubscribeNotification', subscribe ? 'T' : 'F'),
  );
}

export interface JoinParts {
  readonly name?: string;
  readonly list?: boolean;
  readonly subscribe?: boolean;
  readonly own?: Properties;
}

export function joinGroup(group: string, parts: JoinParts = {}): string {
  const { name, list = true, subscribe = true, own } = parts;
  return elements(
    'JoinGroup-Request',
    elements('GroupID', group) +
      screenName(group, name) +
      elements('JoinedRequest', list ? 'T' : 'F') +
      elements('SubscribeNotification', subscribe ? 'T' : 'F') +
      (own === undefined ? '' : propertyList('OwnProperties', own)),
  );
}

const about = (request: string, group: string, more = ''): string =>
  elements(request, elements('GroupID', group) + more);

export const deleteGroup = (group: string): string => about('DeleteGroup-Request', group);
export const leaveGroup = (group: string): string => about('LeaveGroup-Request', group);
export const getJoined = (group: string): string => about('GetJoinedUsers-Request', group);
export const getMembers = (group: string): string => about('GetGroupMembers-Request', group);
export const getProps = (group: string): string => about('GetGroupProps-Request', group);
export const groupNotice = (group: string, type: string): string =>
  about('SubscribeGroupNotice-Request', group, elements('SubscribeType', type));

export function setProps(
  group: string,
  parts: { readonly group?: Properties; readonly own?: Properties },
): string {
  const { group: properties, own } = parts;
  return about(
    'SetGroupProps-Request',
    group,
    (properties === undefined ? '' : propertyList('GroupProperties', properties)) +
      (own === undefined ? '' : propertyList('OwnProperties', own)),
  );
}

/** UserList up to 1.2, UserIDList in 1.3. */
export function userList(version: CspVersion, ...ids: readonly string[]): string {
  return version === '1.3'
    ? elements('UserIDList', elements('UserID', ...ids))
    : elements('UserList', users(...ids));
}

export const addMembers = (version: CspVersion, group: string, ...ids: readonly string[]): string =>
  about('AddGroupMembers-Request', group, userList(version, ...ids));
export const removeMembers = (version: CspVersion, group: string, ...ids: readonly string[]): string =>
  about('RemoveGroupMembers-Request', group, userList(version, ...ids));

/** In 1.3 ordinary users stand in the request itself. */
export function memberAccess(
  version: CspVersion,
  group: string,
  levels: {
    readonly Admin?: readonly string[];
    readonly Mod?: readonly string[];
    readonly Users?: readonly string[];
  },
): string {
  const level = (name: 'Admin' | 'Mod' | 'Users'): string => {
    const ids = levels[name];
    if (ids === undefined) return '';
    return name === 'Users' && version === '1.3'
      ? userList(version, ...ids)
      : elements(name, userList(version, ...ids));
  };
  return about('MemberAccess-Request', group, level('Admin') + level('Mod') + level('Users'));
}

export function rejectList(
  group: string,
  change: { readonly add?: readonly string[]; readonly remove?: readonly string[] } = {},
): string {
  const list = (name: string, ids: readonly string[] | undefined): string =>
    ids === undefined ? '' : elements(name, elements('UserID', ...ids));
  return about('RejectList-Request', group, list('AddList', change.add) + list('RemoveList', change.remove));
}

/** Recipient's content: the whole group, or one screen name in it. */
export const toGroup = (group: string): string => elements('Group', elements('GroupID', group));
export const toName = (group: string, name: string): string => elements('Group', screenName(group, name));

/** The screen names under an element, in order. */
export const namesIn = (element: Element | undefined): string[] => texts(element, 'SName');

/** `SName=UserID` where a UserID is shown, else `SName`. */
export function mappingsIn(element: Element | undefined): string[] {
  return all(element, 'Mapping').map((mapping) => {
    const user = childText(mapping, 'UserID');
    return (childText(mapping, 'SName') ?? '') + (user === undefined ? '' : `=${user}`);
  });
}

export function propsIn(element: Element | undefined): Record<string, string> {
  const pairs = all(element, 'Property').map((each) => [childText(each, 'Name'), childText(each, 'Value')]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** News of groups as they come to a phone, in order: `+name`, `-name`, `name=value`, `out code`. */
export function newsIn(came: readonly Element[]): string[] {
  return came.flatMap((element) => {
    if (element.name === 'LeaveGroup-Response') return [`out ${texts(element, 'Code')[0] ?? ''}`];
    if (element.name !== 'GroupChangeNotice') return [];
    return [
      ...namesIn(child(element, 'Joined')).map((name) => `+${name}`),
      ...namesIn(child(element, 'Left')).map((name) => `-${name}`),
      ...Object.entries(propsIn(child(element, 'GroupProperties'))).map(
        ([name, value]) => `${name}=${value}`,
      ),
    ];
  });
}

/** What waits for a phone, told and acknowledged; news of groups come a moment after what they tell of. */
export async function settled(phone: Phone): Promise<Element[]> {
  const came = await drain(phone);
  for (let quiet = 0; quiet < 3;) {
    await new Promise((resolve) => setImmediate(resolve));
    const more = await drain(phone);
    came.push(...more);
    quiet = more.length === 0 ? quiet + 1 : 0;
  }
  return came;
}
