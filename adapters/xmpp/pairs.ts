// Who is meant: a user of ours and an XMPP contact, from either form of their addresses.

import type { UserAddress } from '../../src/wv/ids.ts';
import { isUnmappable } from './addresses.ts';
import type { AddressCodec, Unmappable } from './addresses.ts';
import type { Pair } from './bridge.ts';
import { bareJid } from './jid.ts';
import type { JidParts } from './jid.ts';

/** By their WV addresses. */
export function pairOf(codec: AddressCodec, user: UserAddress, contact: UserAddress): Pair | Unmappable {
  const userJid = codec.localJid(user);
  if (isUnmappable(userJid)) return userJid;
  const contactJid = codec.foreignJid(contact);
  return isUnmappable(contactJid) ? contactJid : { user, userJid, contact, contactJid };
}

/** By the addresses of a stanza: `to` one of ours, `from` a contact. */
export function pairBetween(codec: AddressCodec, to: JidParts, from: JidParts): Pair | Unmappable {
  const user = codec.localUser(to);
  if (isUnmappable(user)) return user;
  const contact = codec.foreignUser(from);
  if (isUnmappable(contact)) return contact;
  return { user, userJid: bareJid(to), contact, contactJid: bareJid(from) };
}

/** A user of ours by his WV address, and who asks about him by the address of the stanza. */
export function pairAsked(codec: AddressCodec, user: UserAddress, asker: JidParts): Pair | Unmappable {
  const contact = codec.foreignUser(asker);
  return isUnmappable(contact) ? contact : pairOf(codec, user, contact);
}
