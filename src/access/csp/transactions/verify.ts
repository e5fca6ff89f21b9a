// VerifyID (csp-transactions 2.4).

import { isAddressError, parseDomain, parseGroup } from '../../../wv/address.ts';
import type { Domain, GroupAddress } from '../../../wv/ids.ts';
import type { ScreenName } from '../../../wv/message.ts';
import type { DetailedResult } from '../../../wv/status.ts';
import type { NamedIds } from '../../../services/verification.ts';
import { addresseesOf } from '../addressing.ts';
import { statusElement, statusOf } from '../answers.ts';
import type { Body } from '../codec/binding.ts';
import { inSession, type Handlers } from '../transaction.ts';

const verifyId = inSession(
  'VerifyID-Request',
  async ({ services, session, version }, body) => {
    if (version === '1.1') return statusOf(405, version, 'VerifyID is of 1.2');
    const {
      UserID = [],
      ContactList = [],
      GroupID = [],
      ScreenName: names = [],
      Domain: domains = [],
    } = body.IDList;
    const named = UserID.length + ContactList.length + GroupID.length + names.length + domains.length;
    if (named === 0) return statusOf(402, version, 'IDList');
    if (named > services.settings.maxEntities) return statusOf(402, version, 'Too many ids at once');
    const asker = { user: session.home.address, clientId: session.clientId };
    const ids = readIds(body.IDList, services.homes.domain);
    return statusElement(await services.verification.verify(session.home, asker, ids), version);
  },
  'VRID',
);

function readIds(list: Body<'IDList'>, domain: Domain): NamedIds {
  const { users, lists, failures } = addresseesOf(
    { UserID: list.UserID, ContactList: list.ContactList },
    domain,
  );
  const unresolved: DetailedResult[] = [...failures];
  return {
    users,
    lists,
    groups: (list.GroupID ?? []).flatMap((text) => readGroup(text, domain, unresolved)),
    screenNames: (list.ScreenName ?? []).flatMap((name) => readScreenName(name, domain, unresolved)),
    domains: (list.Domain ?? []).flatMap((text) => readDomain(text, unresolved)),
    unresolved,
  };
}

function readGroup(text: string, domain: Domain, failures: DetailedResult[]): GroupAddress[] {
  const group = parseGroup(text, domain);
  if (!isAddressError(group)) return [group];
  failures.push({ code: 901, description: group.reason });
  return [];
}

function readScreenName(
  { SName: name = '', GroupID = '' }: Body<'ScreenName'>,
  domain: Domain,
  failures: DetailedResult[],
): ScreenName[] {
  return readGroup(GroupID, domain, failures).map((group) => ({ name, group }));
}

/** 404: it cannot be anybody's domain, while 516 is a domain that is not reached from here. */
function readDomain(text: string, failures: DetailedResult[]): Domain[] {
  const domain = parseDomain(text);
  if (domain !== undefined) return [domain];
  failures.push({ code: 404, description: 'not a domain name' });
  return [];
}

export const verificationTransactions: Handlers = { 'VerifyID-Request': verifyId };
