// What servers agree on: services, functions, requests.

import { describe, expect, it } from 'vitest';
import {
  agreed,
  DEFAULT_PROFILE,
  functionOf,
  functionsOf,
  PEER_SERVICES,
  requestsOf,
} from '../../../src/access/ssp/agreement.ts';
import { SSP_FUNCTIONS, type SspFunction } from '../../../src/access/ssp/document.ts';
import type { RequestName } from '../../../src/wv/primitives.ts';

const ALL = Object.values(SSP_FUNCTIONS).flat();

/** All requests of the relay; the compiler refuses a list that lacks one. */
const REQUESTS = Object.keys({
  SendMessageRequest: 0,
  DeliveryStatusReport: 0,
  SubscribeRequest: 0,
  UnsubscribeRequest: 0,
  PresenceNotification: 0,
  GetPresenceRequest: 0,
  PresenceAuthResponse: 0,
  InviteRequest: 0,
  InviteResponse: 0,
  CancelInviteRequest: 0,
  JoinGroupRequest: 0,
  LeaveGroupRequest: 0,
  DeleteGroupRequest: 0,
  GetGroupMemberRequest: 0,
  GetJoinedUsersRequest: 0,
  AddGroupMemberRequest: 0,
  RemoveGroupMemberRequest: 0,
  MemberAccessRequest: 0,
  GetGroupPropsRequest: 0,
  SetGroupPropsRequest: 0,
  RejectListRequest: 0,
  SubscribeGroupChangeRequest: 0,
  UnsubscribeGroupChangeRequest: 0,
  GetGroupSubStatusRequest: 0,
  GroupChangeNotice: 0,
  LeaveGroupIndication: 0,
} satisfies Record<RequestName, number>) as RequestName[];

const only = (name: SspFunction): ReadonlySet<SspFunction> => new Set([name]);

describe('functions and requests', () => {
  it.each(REQUESTS)('%s belongs to exactly one function', (request) => {
    expect(ALL.filter((name) => requestsOf(only(name)).has(request))).toEqual([functionOf(request)]);
  });

  it.each(ALL)('%s has requests', (name) => {
    expect(requestsOf(only(name)).size).toBeGreaterThan(0);
  });

  it('all functions are all requests, none are none', () => {
    expect([...requestsOf(new Set(ALL))].toSorted()).toEqual(REQUESTS.toSorted());
    expect(requestsOf(new Set())).toEqual(new Set());
  });
});

describe('services', () => {
  it('all of them are all functions, each function of one service', () => {
    expect(functionsOf(PEER_SERVICES)).toEqual(new Set(ALL));
    const sizes = PEER_SERVICES.map((service) => functionsOf([service]).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(ALL.length);
  });

  it.each([
    ['im', 'SendMessageRequest', 'SubscribeRequest'],
    ['presence', 'PresenceNotification', 'JoinGroupRequest'],
    ['invitations', 'InviteRequest', 'SendMessageRequest'],
    ['groups', 'RejectListRequest', 'InviteRequest'],
  ] as const)('%s has %s and not %s', (service, inside, outside) => {
    const requests = requestsOf(functionsOf([service]));
    expect([requests.has(inside), requests.has(outside)]).toEqual([true, false]);
  });
});

describe('an agreement', () => {
  it('is what both want', () => {
    const ours = functionsOf(['im', 'presence']);
    const theirs = functionsOf(['presence', 'groups']);
    expect(agreed(ours, theirs)).toEqual(functionsOf(['presence']));
    expect(agreed(theirs, ours)).toEqual(agreed(ours, theirs));
  });

  it('without a negotiation is the profile, as far as we offer it', () => {
    expect(agreed(functionsOf(PEER_SERVICES))).toEqual(DEFAULT_PROFILE);
    expect(agreed(functionsOf(['im']))).toEqual(functionsOf(['im']));
  });

  it('has answers to watchers only when they were negotiated', () => {
    const ours = functionsOf(PEER_SERVICES);
    expect(requestsOf(agreed(ours)).has('PresenceAuthResponse')).toBe(false);
    expect(requestsOf(agreed(ours, ours)).has('PresenceAuthResponse')).toBe(true);
    expect(requestsOf(agreed(ours)).size).toBe(REQUESTS.length - 1);
  });
});
