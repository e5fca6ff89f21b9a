// Groups as a client reads them, in whatever form the server's version has (csp-transactions section 8).

import type { Body } from '../access/csp/codec/binding.ts';
import { fromBase64 } from './digest.ts';
import type { Outcome } from './errors.ts';
import { outcomeOf } from './results.ts';

/** Who is in a group: a screen name, and the user where the server tells. */
export interface Participant {
  readonly screenName: string;
  readonly user?: string;
}

/** What happened in a group the user is in. */
export interface GroupChange {
  readonly group: string;
  readonly joined: readonly Participant[];
  readonly left: readonly Participant[];
  readonly properties: Readonly<Record<string, string>>;
}

/** The server took the user out: 809 not wanted any more, 800 the group is gone. */
export interface GroupExit {
  readonly group: string;
  readonly outcome: Outcome;
}

export interface GroupProperties {
  readonly properties: Readonly<Record<string, string>>;
  /** The user's own in this group. */
  readonly own: Readonly<Record<string, string>>;
  readonly welcomeNote?: string;
}

interface Crowd {
  readonly ScreenName?: readonly Body<'ScreenName'>[] | undefined;
  readonly UserList?: Body<'UserList'> | undefined;
  readonly UserMapList?: Body<'UserMapList'> | undefined;
}

/** The participants in any of the forms in which servers write them. */
export function participantsIn(...crowds: readonly (Crowd | undefined)[]): readonly Participant[] {
  return crowds.flatMap((crowd) => [
    ...named(crowd?.ScreenName),
    ...named(crowd?.UserList?.ScreenName),
    ...mapped(crowd?.UserMapList?.Mapping),
    ...mapped(crowd?.UserMapList?.UserMapping?.Mapping),
    ...mapped(crowd?.UserMapList?.UserMapping && [crowd.UserMapList.UserMapping]),
  ]);
}

function named(names: readonly Body<'ScreenName'>[] = []): readonly Participant[] {
  return names.flatMap(({ SName }) => (SName === undefined ? [] : [{ screenName: SName }]));
}

export function mapped(mappings: readonly Body<'Mapping'>[] = []): readonly Participant[] {
  return mappings.flatMap(({ SName, UserID }) => {
    if (SName === undefined) return [];
    return [{ screenName: SName, ...(UserID === undefined ? {} : { user: UserID }) }];
  });
}

export function propertyRecord(body: Body<'OwnProperties'> | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((body?.Property ?? []).map(({ Name, Value }) => [Name, Value ?? '']));
}

export function propertyBody(properties: Readonly<Record<string, string>>): Body<'OwnProperties'> {
  return { Property: Object.entries(properties).map(([Name, Value]) => ({ Name, Value })) };
}

export function noteText(note: Body<'WelcomeNote'> | undefined): { welcomeNote?: string } {
  const data = note?.ContentData;
  if (data === undefined) return {};
  const encoded = note?.ContentEncoding?.toUpperCase() === 'BASE64';
  return { welcomeNote: encoded ? new TextDecoder().decode(fromBase64(data)) : data };
}

export function changeOf(body: Body<'GroupChangeNotice'>): GroupChange {
  return {
    group: body.GroupID,
    joined: participantsIn(body.Joined, body.JoinedBlocked),
    left: participantsIn(body.Left, body.LeftBlocked),
    properties: propertyRecord(body.GroupProperties),
  };
}

export function exitOf(body: Body<'LeaveGroup-Response'>): GroupExit {
  return { group: body.GroupID ?? '', outcome: outcomeOf(body.Result) };
}
