// Where a request goes and who it claims to come from (ssp section 2).

import { domainOf } from '../wv/address.ts';
import type { Domain } from '../wv/ids.ts';
import type { Party } from '../wv/message.ts';
import type { RequestPrimitive } from '../wv/primitives.ts';

function domainsOfParty(party: Party): Domain {
  return domainOf(party.kind === 'user' ? party.user : party.group);
}

/** The domains that must serve the request. A well-formed request names exactly one. */
export function targetDomains(request: RequestPrimitive): ReadonlySet<Domain> {
  return new Set(targets(request));
}

function targets(request: RequestPrimitive): readonly Domain[] {
  switch (request.primitive) {
    case 'SendMessageRequest':
      return request.message.recipients.map(domainsOfParty);
    case 'DeliveryStatusReport':
      return [domainOf(request.sender)];
    case 'SubscribeRequest':
    case 'UnsubscribeRequest':
    case 'GetPresenceRequest':
      return request.publishers.map(domainOf);
    case 'PresenceNotification':
      return request.watchers.map(domainOf);
    case 'PresenceAuthResponse':
      return [domainOf(request.watcher)];
    case 'InviteRequest':
      return [domainsOfParty(request.invited)];
    case 'InviteResponse':
      return [domainsOfParty(request.inviting)];
    case 'CancelInviteRequest':
      return [domainsOfParty(request.canceled)];
    case 'GroupChangeNotice':
      return request.recipients.map(domainOf);
    case 'LeaveGroupIndication':
      return request.users.map(domainOf);
    default:
      return [domainOf(request.group)];
  }
}

/**
 * The domains in whose name the request speaks: the user or service in MetaInfo and whoever the content claims to
 * be from. All must belong to the peer that hands it in, else 901 (ssp 2, rule 5).
 */
export function claimedDomains(request: RequestPrimitive): ReadonlySet<Domain> {
  const claimed = new Set<Domain>([domainOf(request.meta.service)]);
  if (request.meta.user !== undefined) claimed.add(domainOf(request.meta.user));
  switch (request.primitive) {
    case 'SendMessageRequest':
      claimed.add(domainsOfParty(request.message.sender));
      // A copy out of a group is shown in the window of that group.
      if (request.message.addressedTo !== undefined) claimed.add(domainsOfParty(request.message.addressedTo));
      break;
    case 'DeliveryStatusReport':
      claimed.add(domainsOfParty(request.recipient));
      break;
    case 'SubscribeRequest':
    case 'UnsubscribeRequest':
    case 'GetPresenceRequest':
      claimed.add(domainOf(request.watcher));
      break;
    case 'PresenceNotification':
    case 'PresenceAuthResponse':
      claimed.add(domainOf(request.publisher));
      break;
    case 'InviteRequest':
      claimed.add(domainsOfParty(request.inviting));
      break;
    case 'InviteResponse':
      claimed.add(domainsOfParty(request.responding));
      break;
    case 'CancelInviteRequest':
      claimed.add(domainsOfParty(request.canceling));
      break;
    case 'GroupChangeNotice':
    case 'LeaveGroupIndication':
      claimed.add(domainOf(request.group));
      break;
    default:
      break;
  }
  return claimed;
}
