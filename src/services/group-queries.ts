// Questions about groups that other services have, asked at the group's home like anybody's.

import type { ClientId, GroupAddress, ServiceAddress, UserAddress } from '../wv/ids.ts';
import type { ScreenName } from '../wv/message.ts';
import type { MetaInfo } from '../wv/primitives.ts';
import { isSuccess, OK, result, type Result, type StatusCode } from '../wv/status.ts';
import type { Outgoing } from './outgoing.ts';

/** Who asks. */
export interface Asker {
  readonly user: UserAddress;
  readonly clientId: ClientId;
}

/** Codes of a home that has no such group; 405: it has no groups at all. */
const NO_GROUP: ReadonlySet<StatusCode> = new Set([404, 405, 800]);

/** Codes for somebody who has no business in the group. */
const NOT_IN: ReadonlySet<StatusCode> = new Set([431, 808, 810, 816]);
const NOT_JOINED = result(810, 'Not joined under this screen name');

export class GroupQueries {
  private readonly outgoing: Outgoing;
  private readonly service: ServiceAddress;

  constructor(deps: { outgoing: Outgoing; service: ServiceAddress }) {
    this.outgoing = deps.outgoing;
    this.service = deps.service;
  }

  /**
   * 200, 800, or why the group's home cannot say (516, 506, 504, …). A home that does not let the asker see the group
   * has told that it is there.
   */
  async exists(asker: Asker, group: GroupAddress): Promise<Result> {
    const request = { primitive: 'GetGroupPropsRequest', meta: this.meta(asker), group } as const;
    const { code } = (await this.outgoing.request(request)).result;
    if (NO_GROUP.has(code)) return result(800);
    return isSuccess({ code }) || (code > 800 && code < 900) ? OK : result(code);
  }

  /** 200 when the asker has joined the group under this name; 810 when not. */
  async isOwnName(asker: Asker, { name, group }: ScreenName): Promise<Result> {
    const joined = await this.joined(asker, group);
    if (!Array.isArray(joined)) return NOT_IN.has(joined.code) ? NOT_JOINED : joined;
    const wanted = name.toLowerCase();
    const own = joined.some(
      ({ screenName, user }) => user === asker.user && screenName.toLowerCase() === wanted,
    );
    return own ? OK : NOT_JOINED;
  }

  /** 200 when somebody has joined the group under this name; 901 when not. */
  async isKnownName(asker: Asker, { name, group }: ScreenName): Promise<Result> {
    const joined = await this.joined(asker, group);
    if (!Array.isArray(joined)) return joined.code === 516 ? joined : result(901);
    const wanted = name.toLowerCase();
    return joined.some(({ screenName }) => screenName.toLowerCase() === wanted) ? OK : result(901);
  }

  private async joined(asker: Asker, group: GroupAddress) {
    const request = { primitive: 'GetJoinedUsersRequest', meta: this.meta(asker), group } as const;
    const answer = await this.outgoing.request(request);
    if (answer.primitive === 'GetJoinedUsersResponse' && isSuccess(answer.result)) return [...answer.joined];
    return NO_GROUP.has(answer.result.code) ? result(800) : answer.result;
  }

  private meta({ user, clientId }: Asker): MetaInfo {
    return { service: this.service, user, clientId };
  }
}
