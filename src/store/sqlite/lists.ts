// Contact lists.

import type { ListAddress, UserAddress } from '../../wv/ids.ts';
import type { Contact, ContactListRecord, Store } from '../store.ts';
import { encodeBoolean } from './columns.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';

export interface ListArea extends Pick<Store, 'putList' | 'deleteList' | 'putContacts' | 'removeContacts'> {
  /** Inside a write: a list with its contacts. */
  readonly insertList: (owner: UserAddress, list: ContactListRecord) => void;
  /** A user's lists, in the order in which they were created. */
  readonly listsOf: (owner: UserAddress) => readonly ContactListRecord[];
}

interface ListRow {
  readonly id: number;
  readonly address: ListAddress;
  readonly display_name: string;
  readonly is_default: number;
}

export function listArea(db: Database): ListArea {
  const lists = {
    put: db.prepare(
      `INSERT INTO lists (address, owner, display_name, is_default) VALUES (?, ?, ?, ?)
       ON CONFLICT (address) DO UPDATE SET display_name = excluded.display_name, is_default = excluded.is_default`,
    ),
    remove: db.prepare('DELETE FROM lists WHERE address = ?'),
    id: db.prepare<{ id: number }>('SELECT id FROM lists WHERE address = ?'),
    of: db.prepare<ListRow>(
      'SELECT id, address, display_name, is_default FROM lists WHERE owner = ? ORDER BY id',
    ),
  };
  const contacts = {
    put: db.prepare(
      `INSERT INTO contacts (list, user, name, position) VALUES (?, ?, ?, ?)
       ON CONFLICT (list, user) DO UPDATE SET name = excluded.name`,
    ),
    remove: db.prepare('DELETE FROM contacts WHERE list = ? AND user = ?'),
    last: db.prepare<{ position: number }>(
      'SELECT coalesce(max(position), 0) AS position FROM contacts WHERE list = ?',
    ),
    of: db.prepare<Contact>('SELECT user, name FROM contacts WHERE list = ? ORDER BY position'),
  };
  // What a list was allowed to see must not fall to a later list of the same name.
  const forgetAttributes = db.prepare(
    "DELETE FROM attribute_lists WHERE kind = 'list' AND owner = ? AND subject = ?",
  );
  const ownerOf = db.prepare<{ owner: UserAddress }>('SELECT owner FROM lists WHERE address = ?');

  function putList(owner: UserAddress, list: Omit<ContactListRecord, 'contacts'>): void {
    lists.put.run(list.address, owner, list.displayName, encodeBoolean(list.isDefault));
  }

  function deleteList(address: ListAddress): void {
    const row = ownerOf.get(address);
    if (row === undefined) return;
    forgetAttributes.run(row.owner, address);
    lists.remove.run(address);
  }

  function putContacts(address: ListAddress, added: readonly Contact[]): void {
    const list = lists.id.get(address);
    if (list === undefined) throw new StoreError('missing', 'store: contacts for a list that does not exist');
    let position = contacts.last.get(list.id)?.position ?? 0;
    for (const { user, name } of added) contacts.put.run(list.id, user, name, ++position);
  }

  function removeContacts(address: ListAddress, users: readonly UserAddress[]): void {
    const list = lists.id.get(address);
    if (list === undefined) return;
    for (const user of users) contacts.remove.run(list.id, user);
  }

  function decodeList({ id, address, display_name, is_default }: ListRow): ContactListRecord {
    const members = contacts.of.all(id).map(({ user, name }) => ({ user, name }));
    return { address, displayName: display_name, isDefault: is_default === 1, contacts: members };
  }

  return {
    putList: (owner, list) => db.write(() => putList(owner, list)),
    deleteList: (list) => db.writeTogether(() => deleteList(list)),
    putContacts: (list, added) => db.writeTogether(() => putContacts(list, added)),
    removeContacts: (list, users) => db.writeTogether(() => removeContacts(list, users)),
    insertList: (owner, list) => {
      putList(owner, list);
      putContacts(list.address, list.contacts);
    },
    listsOf: (owner) => lists.of.all(owner).map(decodeList),
  };
}
