// Linked accounts.

import type { UserAddress } from '../../wv/ids.ts';
import type { LinkedAccountRecord, LinkedAccountStore } from '../linked-accounts.ts';
import { optional } from './columns.ts';
import type { Database } from './database.ts';

interface AccountRow {
  readonly user: UserAddress;
  readonly network: string;
  readonly account: string;
  readonly cipher: string | null;
  readonly linked_at: number;
  readonly watcher: UserAddress | null;
}

const COLUMNS = 'user, network, account, cipher, linked_at, watcher';

function decodeAccount({
  user,
  network,
  account,
  cipher,
  linked_at,
  watcher,
}: AccountRow): LinkedAccountRecord {
  const record = { user, network, account, cipher: cipher ?? '', linkedAt: linked_at };
  return { ...record, ...optional('watcher', watcher) };
}

export function linkedAccountArea(db: Database): LinkedAccountStore {
  const userExists = db.prepare<{ address: string }>('SELECT address FROM users WHERE address = ?');
  const inUse = db.prepare<{ account: string }>(
    'SELECT account FROM linked_accounts WHERE user = ? AND network = ? AND cipher IS NOT NULL',
  );
  const count = db.prepare<{ accounts: number }>(
    'SELECT count(*) AS accounts FROM linked_accounts WHERE network = ? AND cipher IS NOT NULL',
  );
  const put = db.prepare(
    `INSERT INTO linked_accounts (user, network, account, cipher, linked_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (user, network, account)
     DO UPDATE SET cipher = excluded.cipher, linked_at = excluded.linked_at`,
  );
  const unlink = db.prepare(
    'UPDATE linked_accounts SET cipher = NULL WHERE user = ? AND network = ? AND cipher IS NOT NULL',
  );
  const all = db.prepare<AccountRow>(
    `SELECT ${COLUMNS} FROM linked_accounts WHERE cipher IS NOT NULL ORDER BY user, network`,
  );
  const ofUser = db.prepare<AccountRow>(
    `SELECT ${COLUMNS} FROM linked_accounts WHERE user = ? AND cipher IS NOT NULL ORDER BY network`,
  );
  const setCipher = db.prepare(
    `UPDATE linked_accounts SET cipher = ?
     WHERE user = ? AND network = ? AND account = ? AND linked_at = ? AND cipher IS NOT NULL`,
  );
  const setWatcher = db.prepare(
    'UPDATE linked_accounts SET watcher = ? WHERE user = ? AND network = ? AND cipher IS NOT NULL',
  );
  const unlinked = db.prepare<AccountRow>(
    `SELECT ${COLUMNS} FROM linked_accounts WHERE cipher IS NULL ORDER BY user, network, account LIMIT ?`,
  );
  const forget = db.prepare(
    'DELETE FROM linked_accounts WHERE user = ? AND network = ? AND account = ? AND cipher IS NULL',
  );
  return {
    linkAccount: ({ user, network, account, cipher, linkedAt }, limit) =>
      db.write(() => {
        if (userExists.get(user) === undefined) return 'unknown';
        const before = inUse.get(user, network);
        if (before !== undefined && before.account !== account) return 'linked';
        if (before === undefined && (count.get(network)?.accounts ?? 0) >= limit) return 'full';
        put.run(user, network, account, cipher, linkedAt);
        return 'done';
      }),
    unlinkAccount: (user, network) => db.write(() => unlink.run(user, network) > 0),
    linkedAccounts: (network) =>
      db.read(() =>
        all
          .all()
          .filter((row) => network === undefined || row.network === network)
          .map(decodeAccount),
      ),
    linkedAccountsOf: (user) => db.read(() => ofUser.all(user).map(decodeAccount)),
    setLinkedCipher: ({ user, network, account, linkedAt }, cipher) =>
      db.write(() => void setCipher.run(cipher, user, network, account, linkedAt)),
    setLinkedWatcher: (user, network, watcher) => db.write(() => void setWatcher.run(watcher, user, network)),
    unlinkedAccounts: (limit) => db.read(() => unlinked.all(limit).map(decodeAccount)),
    forgetUnlinkedAccount: ({ user, network, account }) =>
      db.write(() => void forget.run(user, network, account)),
  };
}
