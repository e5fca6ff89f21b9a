// Records for tests and benchmarks of the store.

import { serviceAddress, userAddress } from '../../src/wv/address.ts';
import type { Domain, ListAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { ContactListRecord, NewQueueEntry, UserRecord } from '../../src/store/store.ts';

const HOME = 'example.com';

export function user(name: string, domain = HOME): UserAddress {
  return userAddress(name, trusted<Domain>(domain));
}

export function messageId(id: string): MessageId {
  return trusted<MessageId>(id);
}

export function userRecord(name: string): UserRecord {
  return { address: user(name), credentials: { hash: 'hash' }, createdAt: 1, active: true };
}

export function list(owner: string, name: string, ...contacts: readonly string[]): ContactListRecord {
  return {
    address: trusted<ListAddress>(`wv:${owner}/${name}@${HOME}`),
    displayName: name,
    isDefault: false,
    contacts: contacts.map((contact) => ({ user: user(contact), name: '' })),
  };
}

/** A queue entry with a message of a few hundred bytes. */
export function message(id: string, recipient: string, text = 'hello'): NewQueueEntry {
  const expiresAt = 4_000_000_000_000;
  return {
    recipient: user(recipient),
    messageId: messageId(id),
    expiresAt,
    item: {
      kind: 'message',
      reportTo: user('sender'),
      message: {
        id: messageId(id),
        sender: { kind: 'user', user: user('sender') },
        recipients: [{ kind: 'user', user: user(recipient) }],
        sentAt: 1,
        expiresAt,
        content: { contentType: 'text/plain', encoding: 'none', data: text },
      },
    },
  };
}

export function report(id: string, recipient: string): NewQueueEntry {
  return {
    recipient: user(recipient),
    messageId: messageId(id),
    expiresAt: 4_000_000_000_000,
    item: {
      kind: 'report',
      report: {
        primitive: 'DeliveryStatusReport',
        meta: { service: serviceAddress(trusted<Domain>(HOME)) },
        messageId: messageId(id),
        sender: user(recipient),
        recipient: { kind: 'user', user: user('other') },
        outcome: { code: 200 },
        deliveredAt: 1,
      },
    },
  };
}

/** Milliseconds since the epoch, so many days from now. */
export function inDays(days: number): number {
  return Date.now() + days * 24 * 60 * 60 * 1000;
}
