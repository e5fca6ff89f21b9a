// Test support: another WV server, as ours sees it: every primitive of ssp section 6, users and groups of its domain.

import { parseDomain, parseGroup, serviceAddress, userAddress } from '../../src/wv/address.ts';
import { trusted, type Domain, type GroupAddress, type UserAddress } from '../../src/wv/ids.ts';
import type { Message, Party } from '../../src/wv/message.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
} from '../../src/wv/primitives.ts';
import { OK, result, type StatusCode } from '../../src/wv/status.ts';
import { FakeGateway } from './fake-gateway.ts';
import { START } from './manual-clock.ts';

/** All of ssp section 6 that crosses between servers. */
const PRIMITIVES: readonly RequestName[] = [
  'SendMessageRequest',
  'DeliveryStatusReport',
  'SubscribeRequest',
  'UnsubscribeRequest',
  'PresenceNotification',
  'GetPresenceRequest',
  'InviteRequest',
  'InviteResponse',
  'CancelInviteRequest',
  'JoinGroupRequest',
  'LeaveGroupRequest',
  'DeleteGroupRequest',
  'GetGroupMemberRequest',
  'GetJoinedUsersRequest',
  'AddGroupMemberRequest',
  'RemoveGroupMemberRequest',
  'MemberAccessRequest',
  'GetGroupPropsRequest',
  'SetGroupPropsRequest',
  'RejectListRequest',
  'SubscribeGroupChangeRequest',
  'UnsubscribeGroupChangeRequest',
  'GetGroupSubStatusRequest',
  'GroupChangeNotice',
  'LeaveGroupIndication',
];

type Unsigned<Request> = Request extends RequestPrimitive ? Omit<Request, 'meta'> : never;
/** A request before it says who asks. */
export type Unasked = Unsigned<RequestPrimitive>;

export class FarServer extends FakeGateway {
  readonly domain: Domain;

  constructor(domain = 'far.test', name = domain) {
    super(domain, PRIMITIVES, name);
    this.domain = parseDomain(domain)!;
    this.works();
  }

  user(name: string): UserAddress {
    return userAddress(name, this.domain);
  }

  group(name: string): GroupAddress {
    return parseGroup(`wv:${name}`, this.domain) as GroupAddress;
  }

  /** Takes everything; whoever joins finds Dan there. */
  works(): void {
    this.reply = (request) =>
      request.primitive === 'JoinGroupRequest'
        ? { primitive: 'JoinGroupResponse', result: OK, joined: [{ screenName: 'Dan' }] }
        : status(OK);
  }

  refuses(code: StatusCode, only?: RequestName): void {
    this.works();
    const { reply } = this;
    this.reply = (request) =>
      only === undefined || request.primitive === only ? status(result(code)) : reply(request);
  }

  /** Takes requests and never answers. */
  isSilent(): void {
    this.reply = () => new Promise<never>(() => {});
  }

  /** Requests of one kind, in order. */
  had<N extends RequestName>(primitive: N): Extract<RequestPrimitive, { primitive: N }>[] {
    return this.requests.filter(
      (request): request is Extract<RequestPrimitive, { primitive: N }> => request.primitive === primitive,
    );
  }

  /** Hands a request to our server, in the name of one of its users or, without, of the server. */
  asks(request: Unasked, user?: UserAddress): Promise<ResponsePrimitive> {
    const meta = { service: serviceAddress(this.domain), ...(user === undefined ? {} : { user }) };
    return this.port!.emit({ ...request, meta });
  }

  /** A message of one of its users; resolves with the code of the answer. */
  async sends(from: UserAddress, to: readonly Party[], text: string, id = text): Promise<number> {
    const message: Message = {
      id: trusted(id),
      sender: { kind: 'user', user: from },
      recipients: to,
      sentAt: START,
      expiresAt: START + 86_400_000,
      content: { contentType: 'text/plain', encoding: 'none', data: text },
    };
    const request = { primitive: 'SendMessageRequest', deliveryReport: false, message } as const;
    return (await this.asks(request, from)).result.code;
  }
}

/** An address of our own, as the scene gives it. */
export const ours = (address: string): UserAddress => trusted<UserAddress>(address);
export const ourGroup = (address: string): GroupAddress => trusted<GroupAddress>(address);
export const toUser = (user: UserAddress): Party => ({ kind: 'user', user });
