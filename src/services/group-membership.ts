// The requesting side of groups: what a client asks of a group goes to the group's home, wherever that is.

import type { ClientId, ServiceAddress, UserAddress } from '../wv/ids.ts';
import type { GroupPrimitive, ResponsePrimitive } from '../wv/primitives.ts';
import type { Outgoing } from './outgoing.ts';

/** Who asks: a user joins a group with one of his clients. */
export interface Participant {
  readonly user: UserAddress;
  readonly clientId: ClientId;
}

type Unsigned<Request> = Request extends GroupPrimitive ? Omit<Request, 'meta'> : never;

/** A request about a group, before it says who asks. */
export type GroupQuestion = Unsigned<GroupPrimitive>;

export class GroupMembership {
  private readonly outgoing: Outgoing;
  private readonly service: ServiceAddress;

  constructor(deps: { outgoing: Outgoing; service: ServiceAddress }) {
    this.outgoing = deps.outgoing;
    this.service = deps.service;
  }

  /** Asks the group's home. Never rejects: 516 for a domain out of reach, 504 for a home that does not answer. */
  ask({ user, clientId }: Participant, question: GroupQuestion): Promise<ResponsePrimitive> {
    return this.outgoing.request({ ...question, meta: { service: this.service, user, clientId } });
  }
}
