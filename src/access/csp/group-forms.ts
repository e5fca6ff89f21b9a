// What groups are made of, in the words of each version (csp-transactions section 8): properties, welcome notes,
// members, and who is joined under which screen name.

import type { GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { GroupProperty, ScreenMapping } from '../../wv/primitives.ts';
import type { Body } from './codec/binding.ts';
import type { CspSession } from './session.ts';

type Listener = Pick<CspSession, 'version' | 'quirks'>;

/** The name in ScreenName; its GroupID says nothing new, and the official example has a wrong one. */
export function screenNameIn(body: Body<'ScreenName'> | undefined): string | undefined {
  return body?.SName === undefined || body.SName === '' ? undefined : body.SName;
}

export function propertiesIn(body: Body<'OwnProperties'> | undefined): readonly GroupProperty[] {
  return (body?.Property ?? []).map(({ Name, Value }) => ({ name: Name, value: Value ?? '' }));
}

export function propertyElements(properties: readonly GroupProperty[]): Body<'Property'>[] {
  return properties.map(({ name, value }) => ({ Name: name, Value: value }));
}

/** A note is text, also where it travels as BASE64. 'unreadable' = it is something else. */
export function welcomeNoteIn(
  body: Body<'WelcomeNote'> | undefined,
): { readonly text: string | undefined } | 'unreadable' {
  const type = body?.ContentType ?? '';
  if (type !== '' && !/^text\//i.test(type)) return 'unreadable';
  const data = body?.ContentData;
  if (data === undefined || body?.ContentEncoding?.toUpperCase() !== 'BASE64') return { text: data };
  return { text: new TextDecoder().decode(Buffer.from(data, 'base64')) };
}

export function welcomeNote(text: string | undefined): { WelcomeNote?: Body<'WelcomeNote'> } {
  return text === undefined ? {} : { WelcomeNote: { ContentType: 'text/plain', ContentData: text } };
}

export function screenNames(group: GroupAddress, mappings: readonly ScreenMapping[]): Body<'ScreenName'>[] {
  return mappings.map(({ screenName }) => ({ SName: screenName, GroupID: group }));
}

export function mappingElements(mappings: readonly ScreenMapping[]): Body<'Mapping'>[] {
  return mappings.map(({ screenName, user }) => ({ SName: screenName, UserID: user }));
}

/** UserMapList(UserMapping(Mapping)); COMPAT(Android): the entries directly inside. */
export function userMapList({ quirks }: Listener, mappings: readonly ScreenMapping[]): Body<'UserMapList'> {
  const Mapping = mappingElements(mappings);
  if (quirks.flatUserMap) return { Mapping };
  return mappings.length === 0 ? {} : { UserMapping: { Mapping } };
}

/** Who is joined, in the answer to a join: it moved with every version. */
export function joinedUsers(
  listener: Listener,
  group: GroupAddress,
  mappings: readonly ScreenMapping[],
): Partial<Body<'JoinGroup-Response'>> {
  if (listener.version === '1.1') return { UserList: { ScreenName: screenNames(group, mappings) } };
  const UserMapList = userMapList(listener, mappings);
  if (listener.version === '1.2') return { UserMapList };
  // COMPAT(Android 1.3): ignores Joined.
  return { Joined: { UserMapList }, ...(listener.quirks.flatUserMap ? { UserMapList } : {}) };
}

/** Who came, in a notice; COMPAT(Android 1.1): wants one list, not the names one by one. */
export function joinedElement(
  listener: Listener,
  group: GroupAddress,
  mappings: readonly ScreenMapping[],
): Body<'Joined'> {
  if (listener.version !== '1.1') return { UserMapList: userMapList(listener, mappings) };
  return namesOf11(listener, group, mappings);
}

/** Who went, in a notice. */
export function leftElement(
  listener: Listener,
  group: GroupAddress,
  mappings: readonly ScreenMapping[],
): Body<'Left'> {
  if (listener.version !== '1.1') return { UserList: { ScreenName: screenNames(group, mappings) } };
  return namesOf11(listener, group, mappings);
}

function namesOf11(
  { quirks }: Listener,
  group: GroupAddress,
  mappings: readonly ScreenMapping[],
): Body<'Left'> {
  const ScreenName = screenNames(group, mappings);
  return quirks.flatUserMap ? { UserList: { ScreenName } } : { ScreenName };
}

/** Members: UserList(User(UserID)) up to 1.2, UserIDList(UserID) in 1.3. */
export function memberList(
  { version }: Listener,
  members: readonly UserAddress[],
): { UserList?: Body<'UserList'>; UserIDList?: Body<'UserIDList'> } {
  if (version === '1.3') return { UserIDList: { UserID: members } };
  return { UserList: { User: members.map((UserID) => ({ UserID })) } };
}
