// A user of ours and a contact, from the addresses of either side.

import type { UserAddress } from '../../src/wv/ids.ts';
import { isUnmappable } from './addresses.ts';
import type { AddressCodec, Unmappable } from './addresses.ts';
import type { Pair } from './bridge.ts';
import { bareJid } from './jid.ts';
import type { JidParts } from './jid.ts';

export function pairOf(codec: AddressCodec, user: UserAddress, contact: UserAddress): Pair | Unmappable {
  const userJid = codec.localJid(user);
  if (isUnmappable(userJid)) return userJid;
  const contactJid = codec.foreignJid(contact);
  return isUnmappable(contactJid) ? contactJid : { user, userJid, contact, contactJid };
}

/** @param to of our user, below the component */
export function pairBetween(codec: AddressCodec, to: JidParts, from: JidParts): Pair | Unmappable {
  const user = codec.localUser(to);
  if (isUnmappable(user)) return user;
  const contact = codec.foreignUser(from);
  if (isUnmappable(contact)) return contact;
  return { user, userJid: bareJid(to), contact, contactJid: bareJid(from) };
}
