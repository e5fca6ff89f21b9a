// Block and grant lists of a client (csp-transactions section 6).

import type { Body } from '../access/csp/codec/binding.ts';
import type { Outcome } from './errors.ts';
import type { Exchange } from './exchange.ts';

export interface Entities {
  readonly users?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
}

export interface AccessList {
  readonly inUse: boolean;
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export interface AccessLists {
  readonly block: AccessList;
  readonly grant: AccessList;
}

export interface AccessChange {
  /** Whether the list counts; undefined = as it is. */
  readonly inUse?: boolean | undefined;
  readonly add?: Entities | undefined;
  readonly remove?: Entities | undefined;
}

export async function getBlocked(exchange: Exchange): Promise<AccessLists> {
  const body = await exchange.get('GetBlockedList-Request', true, 'GetBlockedList-Response');
  return {
    block: accessList(body.BlockList, body.BlockListInUse),
    grant: accessList(body.GrantList, body.GrantListInUse),
  };
}

function accessList(list: Body<'BlockList'> | undefined, inUse: boolean | undefined): AccessList {
  const { UserID: users = [], GroupID: groups = [] } = list?.EntityList ?? {};
  return { inUse: list?.InUse ?? inUse ?? false, users, groups };
}

/** Changes either list, or both at once. */
export function changeAccess(
  exchange: Exchange,
  change: { readonly block?: AccessChange; readonly grant?: AccessChange },
): Promise<Outcome> {
  const isLatest = exchange.settings.version === '1.3';
  return exchange.tell('BlockEntity-Request', {
    BlockListInUse: isLatest ? change.block?.inUse : undefined,
    BlockList: changeBody(change.block, isLatest),
    GrantListInUse: isLatest ? change.grant?.inUse : undefined,
    GrantList: changeBody(change.grant, isLatest),
  });
}

/** 1.3 moved InUse out of the list. */
function changeBody(change: AccessChange | undefined, isLatest: boolean): Body<'BlockList'> | undefined {
  if (change === undefined) return undefined;
  return {
    InUse: isLatest ? undefined : change.inUse,
    AddList: entitiesBody(change.add),
    RemoveList: entitiesBody(change.remove),
  };
}

function entitiesBody(entities: Entities | undefined): Body<'AddList'> | undefined {
  return entities === undefined ? undefined : { UserID: entities.users, GroupID: entities.groups };
}
