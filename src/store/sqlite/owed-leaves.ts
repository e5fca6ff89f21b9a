// Leaves that groups of other servers are still to be told of.

import { domainOf } from '../../wv/address.ts';
import type { ClientId, Domain, GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { OwedLeave, OwedLeaveStore } from '../owed-leaves.ts';
import type { Database } from './database.ts';

interface LeaveRow {
  readonly group_address: GroupAddress;
  readonly user: UserAddress;
  readonly client_id: ClientId;
  readonly owed_at: number;
}

function decodeLeave({ group_address, user, client_id, owed_at }: LeaveRow): OwedLeave {
  return { group: group_address, user, clientId: client_id, owedAt: owed_at };
}

export function owedLeaveArea(db: Database): OwedLeaveStore {
  const put = db.prepare(
    `INSERT INTO owed_leaves (group_address, user, client_id, domain, owed_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (group_address, user, client_id) DO UPDATE SET owed_at = excluded.owed_at`,
  );
  const shorten = db.prepare(
    `DELETE FROM owed_leaves WHERE (group_address, user, client_id) IN
       (SELECT group_address, user, client_id FROM owed_leaves WHERE domain = ?
        ORDER BY owed_at DESC, user, client_id, group_address LIMIT -1 OFFSET ?)`,
  );
  const of = db.prepare<LeaveRow>(
    `SELECT group_address, user, client_id, owed_at FROM owed_leaves WHERE domain = ?
     ORDER BY owed_at, user, client_id, group_address LIMIT ?`,
  );
  const domains = db.prepare<{ domain: Domain }>('SELECT DISTINCT domain FROM owed_leaves ORDER BY domain');
  const remove = db.prepare(
    'DELETE FROM owed_leaves WHERE group_address = ? AND user = ? AND client_id = ? AND owed_at = ?',
  );
  const expired = db.prepare(
    `DELETE FROM owed_leaves WHERE (group_address, user, client_id) IN
       (SELECT group_address, user, client_id FROM owed_leaves WHERE owed_at < ? LIMIT ?)`,
  );
  return {
    putOwedLeaves: (leaves, limit) =>
      db.writeTogether(() => {
        for (const { group, user, clientId, owedAt } of leaves) {
          put.run(group, user, clientId, domainOf(group), owedAt);
        }
        const concerned = new Set(leaves.map(({ group }) => domainOf(group)));
        return [...concerned].reduce((sum, domain) => sum + shorten.run(domain, limit), 0);
      }),
    owedLeaves: (domain, limit) => db.read(() => of.all(domain, limit).map(decodeLeave)),
    domainsOwedLeaves: () => db.read(() => domains.all().map(({ domain }) => domain)),
    deleteOwedLeave: ({ group, user, clientId, owedAt }) =>
      db.write(() => void remove.run(group, user, clientId, owedAt)),
    dropOwedLeaves: (before, limit) => db.write(() => expired.run(before, limit)),
  };
}
