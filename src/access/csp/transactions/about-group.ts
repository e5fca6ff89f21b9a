// What all requests about one group share.

import { isAddressError, parseGroup } from '../../../wv/address.ts';
import type { GroupAddress } from '../../../wv/ids.ts';
import type { ResponsePrimitive } from '../../../wv/primitives.ts';
import type { ServiceFunction } from '../../../sap/discovery.ts';
import type { GroupQuestion } from '../../../services/group-membership.ts';
import { statusOf } from '../answers.ts';
import type { Body, ElementName } from '../codec/binding.ts';
import { participant } from '../group-participation.ts';
import { inSession, type Answer, type Handler, type SessionExchange } from '../transaction.ts';

/** Requests with one GroupID. */
type GroupRequestName = {
  [N in ElementName]: Body<N> extends { readonly GroupID: string } ? N : never;
}[ElementName];

/** A handler for a request about one group. A text that is no group's address names no group: 800. */
export function aboutGroup<N extends GroupRequestName>(
  name: N,
  handle: (exchange: SessionExchange, group: GroupAddress, body: Body<N>) => Promise<Answer>,
  needs?: ServiceFunction,
): Handler {
  return inSession(
    name,
    async (exchange, body) => {
      // By its type every such body has one; TypeScript does not follow the mapping for an open N.
      const { GroupID } = body as { readonly GroupID: string };
      const group = parseGroup(GroupID, exchange.services.homes.domain);
      if (isAddressError(group)) return statusOf(800, exchange.version, group.reason);
      return handle(exchange, group, body);
    },
    needs,
  );
}

/** Asks the group's home in the name of the session's user and client. */
export function ask(
  { services, session }: SessionExchange,
  question: GroupQuestion,
): Promise<ResponsePrimitive> {
  return services.membership.ask(participant(session), question);
}
