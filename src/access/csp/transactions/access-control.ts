// Block and grant lists (csp-transactions section 6).

import type { AccessListChange } from '../../../services/access-control.ts';
import { accessEntity, changeAccess, MAX_ACCESS_ENTITIES } from '../../../services/access-control.ts';
import type { AccessList, AccessLists } from '../../../store/store.ts';
import type { Domain } from '../../../wv/ids.ts';
import { combine, type DetailedResult } from '../../../wv/status.ts';
import { statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import type { CspSession } from '../session.ts';
import { inSession, type Handlers } from '../transaction.ts';

type Entities = Body<'EntityList'>;

function isGroup(entity: string): boolean {
  return entity.includes('/');
}

function listBody(list: AccessList, withInUse: boolean): Body<'BlockList'> {
  const UserID = list.entities.filter((entity) => !isGroup(entity));
  const GroupID = list.entities.filter(isGroup);
  const shown = list.entities.length > 0 ? { EntityList: { UserID, GroupID } } : {};
  return withInUse ? { InUse: list.inUse, ...shown } : shown;
}

/** 1.3 takes the flags out of the lists; COMPAT(Android 1.3) reads BlockListInUse and GrantListInUse. */
const getBlocked = inSession(
  'GetBlockedList-Request',
  ({ session, version }) => {
    const { block, grant } = session.home.access;
    const apart = version === '1.3';
    return buildElement(
      'GetBlockedList-Response',
      {
        ...(apart ? { BlockListInUse: block.inUse, GrantListInUse: grant.inUse } : {}),
        BlockList: listBody(block, !apart),
        GrantList: listBody(grant, !apart),
      },
      version,
    );
  },
  'GLBLU',
);

interface Reading {
  readonly change: AccessListChange | undefined;
  readonly named: number;
  readonly failures: readonly DetailedResult[];
}

function readEntities(entities: Entities | undefined, domain: Domain, bad: string[]): string[] | undefined {
  if (entities === undefined) return undefined;
  const texts = [...(entities.UserID ?? []), ...(entities.GroupID ?? [])];
  return texts.flatMap((text) => {
    const entity = accessEntity(text, domain);
    if (entity === undefined) bad.push(text);
    return entity ?? [];
  });
}

function readChange(
  body: Body<'BlockList'> | undefined,
  inUse: boolean | undefined,
  domain: Domain,
): Reading {
  const bad: string[] = [];
  const replace = readEntities(body?.EntityList, domain, bad);
  const add = readEntities(body?.AddList, domain, bad);
  const remove = readEntities(body?.RemoveList, domain, bad);
  const flag = body?.InUse ?? inUse;
  const change: AccessListChange = {
    ...(flag === undefined ? {} : { inUse: flag }),
    ...(replace === undefined ? {} : { replace }),
    ...(add === undefined ? {} : { add }),
    ...(remove === undefined ? {} : { remove }),
  };
  const failures = bad.map((text): DetailedResult => ({
    code: 901,
    description: `Not an address: ${text.slice(0, 60)}`,
  }));
  const named = (replace?.length ?? 0) + (add?.length ?? 0) + (remove?.length ?? 0);
  return { change: body === undefined && flag === undefined ? undefined : change, named, failures };
}

const blockEntity = inSession(
  'BlockEntity-Request',
  async ({ services, session, version }, body) => {
    const { domain } = services.homes;
    const block = readChange(body.BlockList, body.BlockListInUse, domain);
    const grant = readChange(body.GrantList, body.GrantListInUse, domain);
    const { home } = session;
    const size =
      home.access.block.entities.length + home.access.grant.entities.length + block.named + grant.named;
    if (size > 2 * MAX_ACCESS_ENTITIES) return statusOf(507, version, 'Block and grant lists are full');
    const before = home.access;
    await services.publishing.reauthorize(home, () =>
      changeAccess(services.store, home, { block: block.change, grant: grant.change }),
    );
    tellAccessChange(session, before);
    const failures = [...block.failures, ...grant.failures];
    const done = block.named + grant.named > 0 || failures.length === 0 ? 1 : 0;
    return statusElement(combine(done, failures), version);
  },
  'BLENT',
);

/** The use of a list is told with its new value; a changed list is to be read again. */
function tellAccessChange(session: CspSession, before: AccessLists): void {
  const { block, grant } = session.home.access;
  if (block.inUse !== before.block.inUse) session.tellOthers('BLUC', { BlockListInUse: block.inUse });
  if (grant.inUse !== before.grant.inUse) session.tellOthers('GLUC', { GrantListInUse: grant.inUse });
  if (block.entities.join() !== before.block.entities.join()) session.tellOthers('BLC');
  if (grant.entities.join() !== before.grant.entities.join()) session.tellOthers('GLC');
}

export const accessControlTransactions: Handlers = {
  'GetBlockedList-Request': getBlocked,
  'BlockEntity-Request': blockEntity,
};
