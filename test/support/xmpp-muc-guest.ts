// Requests about rooms as the relay hands them to the XMPP gateway, and what rooms told the relay.

import { randomUUID } from 'node:crypto';
import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { ClientId, GroupAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type {
  GroupPrimitive,
  JoinGroupResponse,
  MetaInfo,
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
} from '../../src/wv/primitives.ts';
import type { FakeRelay } from './xmpp-relay.ts';

export const PHONE = trusted<ClientId>('phone');
export const TABLET = trusted<ClientId>('tablet');

type Question<Name> = Omit<Extract<GroupPrimitive, { primitive: Name }>, 'meta' | 'primitive' | 'group'>;

interface Server {
  request(request: RequestPrimitive): Promise<ResponsePrimitive>;
}

/** One client of one of our users, and one group. */
export class RoomClient {
  readonly server: Server;
  readonly user: UserAddress;
  readonly group: GroupAddress;
  readonly clientId: ClientId;

  constructor(server: Server, user: UserAddress, group: GroupAddress, clientId: ClientId = PHONE) {
    this.server = server;
    this.user = user;
    this.group = group;
    this.clientId = clientId;
  }

  get meta(): MetaInfo {
    return { service: serviceAddress(domainOf(this.user)), user: this.user, clientId: this.clientId };
  }

  ask<Name extends GroupPrimitive['primitive']>(
    primitive: Name,
    more: Question<Name>,
  ): Promise<ResponsePrimitive> {
    const request = { primitive, meta: this.meta, group: this.group, ...more };
    return this.server.request(request as unknown as RequestPrimitive);
  }

  async code<Name extends GroupPrimitive['primitive']>(
    primitive: Name,
    more: Question<Name>,
  ): Promise<number> {
    return (await this.ask(primitive, more)).result.code;
  }

  join(screenName?: string, subscribe = true): Promise<ResponsePrimitive> {
    const name = screenName === undefined ? {} : { screenName };
    return this.ask('JoinGroupRequest', { wantsJoinedList: true, subscribe, ...name });
  }

  /** Joins, and fails the test when that is refused. */
  async enter(screenName?: string): Promise<JoinGroupResponse> {
    const answer = await this.join(screenName);
    if (answer.primitive !== 'JoinGroupResponse') throw new Error(`not joined: ${JSON.stringify(answer)}`);
    return answer;
  }

  leave(): Promise<number> {
    return this.code('LeaveGroupRequest', {});
  }

  /** The names of those in the group. */
  async names(): Promise<readonly string[]> {
    const answer = await this.ask('GetJoinedUsersRequest', {});
    return answer.primitive === 'GetJoinedUsersResponse'
      ? answer.joined.map(({ screenName }) => screenName)
      : [];
  }

  message(
    text: string,
    options: { to?: string; report?: boolean; sentAt?: number } = {},
  ): SendMessageRequest {
    const sentAt = options.sentAt ?? Date.now();
    const screen = options.to === undefined ? {} : { screenName: options.to };
    return {
      primitive: 'SendMessageRequest',
      meta: this.meta,
      deliveryReport: options.report ?? false,
      message: {
        id: trusted<MessageId>(randomUUID()),
        sender: { kind: 'user', user: this.user, clientId: this.clientId },
        recipients: [{ kind: 'group', group: this.group, ...screen }],
        sentAt,
        expiresAt: sentAt + 86_400_000,
        content: { contentType: 'text/plain', encoding: 'none', data: text },
      },
    };
  }

  /** The status of a message to all, or to one screen name. */
  async say(text: string, options: { to?: string; report?: boolean; sentAt?: number } = {}): Promise<number> {
    return (await this.server.request(this.message(text, options))).result.code;
  }

  /** What the user was given of this group: `Nick: text`, whispers as `Nick > Own: text`. */
  heard(relay: FakeRelay): string[] {
    return relay.inbox.flatMap(({ message }) => {
      const { sender, recipients, addressedTo, content } = message;
      const isMine = recipients.some((party) => party.kind === 'user' && party.user === this.user);
      if (!isMine || sender.kind !== 'group' || sender.group !== this.group) return [];
      const whispered = addressedTo?.screenName === undefined ? '' : ` > ${addressedTo.screenName}`;
      return [`${sender.screenName ?? ''}${whispered}: ${content.data}`];
    });
  }

  /** News of this group for the user: `+Nick`, `-Nick`, `Topic=…`, `out 809`. */
  news(relay: FakeRelay): string[] {
    return relay.emitted.flatMap((request) => {
      if (request.primitive === 'LeaveGroupIndication') {
        const isMine = request.group === this.group && request.users.includes(this.user);
        return isMine ? [`out ${request.result.code}`] : [];
      }
      if (request.primitive !== 'GroupChangeNotice') return [];
      if (request.group !== this.group || !request.recipients.includes(this.user)) return [];
      return [
        ...request.joined.map(({ screenName }) => `+${screenName}`),
        ...request.left.map(({ screenName }) => `-${screenName}`),
        ...(request.properties ?? []).map(({ name, value }) => `${name}=${value}`),
      ];
    });
  }
}
