// MessageInfo between CSP and the relay's Message (csp-transactions 7.1, 7.2).

import { isAddressError, parseGroup, parseList, parseUser } from '../../wv/address.ts';
import type { Domain, UserAddress } from '../../wv/ids.ts';
import { contentSize, type Message, type MessageContent, type Party } from '../../wv/message.ts';
import type { DetailedResult } from '../../wv/status.ts';
import type { Home } from '../../services/home.ts';
import type { Body } from './codec/binding.ts';
import { writeDate } from './dates.ts';
import { expanded } from './addressing.ts';

export function partyElement(party: Party): { User?: Body<'User'>; Group?: Body<'Group'> } {
  if (party.kind === 'user') return { User: { UserID: party.user } };
  return {
    Group:
      party.screenName === undefined
        ? { GroupID: party.group }
        : { ScreenName: { SName: party.screenName, GroupID: party.group } },
  };
}

export function recipientElement(parties: readonly Party[]): Body<'Recipient'> {
  const elements = parties.map(partyElement);
  const users = elements.flatMap((element) => element.User ?? []);
  const groups = elements.flatMap((element) => element.Group ?? []);
  return {
    ...(users.length > 0 ? { User: users } : {}),
    ...(groups.length > 0 ? { Group: groups } : {}),
  };
}

/** MessageInfo of a delivered or announced message. */
export function messageInfo(message: Message, now: number): Body<'MessageInfo'> {
  return {
    MessageID: message.id,
    ContentType: message.content.contentType,
    ContentEncoding: message.content.encoding === 'base64' ? 'BASE64' : 'None',
    ContentSize: contentSize(message.content),
    Recipient: recipientElement(message.recipients),
    Sender: partyElement(message.sender),
    DateTime: writeDate(message.sentAt),
    Validity: Math.max(0, Math.round((message.expiresAt - now) / 1000)),
  };
}

/** What a client sends: text/plain and no encoding unless it says otherwise; sizes are never believed. */
export function contentOf(info: Body<'MessageInfo'>, data: string | undefined): MessageContent {
  return {
    contentType: info.ContentType === undefined || info.ContentType === '' ? 'text/plain' : info.ContentType,
    encoding: info.ContentEncoding?.toUpperCase() === 'BASE64' ? 'base64' : 'none',
    data: data ?? '',
  };
}

/** Recipients of a message: users, the contacts of the sender's own lists, groups. */
export function recipientsOf(
  home: Home,
  recipient: Body<'Recipient'> | undefined,
  domain: Domain,
): { readonly parties: readonly Party[]; readonly failures: readonly DetailedResult[] } {
  const failures: DetailedResult[] = [];
  const users: UserAddress[] = [];
  for (const { UserID } of recipient?.User ?? []) {
    const address = parseUser(UserID, domain);
    if (isAddressError(address)) failures.push({ code: 901, description: address.reason });
    else users.push(address);
  }
  const lists = (recipient?.ContactList ?? []).flatMap((text) => {
    const address = parseList(text, domain);
    if (!isAddressError(address)) return [address];
    failures.push({ code: 901, description: address.reason });
    return [];
  });
  const contacts = expanded(home, { users, lists, failures });
  const parties: Party[] = contacts.users.map((user) => ({ kind: 'user', user }));
  const groupFailures: DetailedResult[] = [];
  for (const group of recipient?.Group ?? []) {
    const text = group.GroupID ?? group.ScreenName?.GroupID ?? '';
    const address = parseGroup(text, domain);
    const screenName = group.ScreenName?.SName;
    if (isAddressError(address)) groupFailures.push({ code: 901, description: address.reason });
    else parties.push({ kind: 'group', group: address, ...(screenName === undefined ? {} : { screenName }) });
  }
  return { parties, failures: [...contacts.failures, ...groupFailures] };
}
