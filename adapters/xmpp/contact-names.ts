// Names of people as they are written into texts.

import type { UserAddress } from '../../src/wv/ids.ts';
import { NotKnownNow } from '../../src/sap/port.ts';
import { userPartOf } from '../../src/wv/address.ts';
import type { Bridge } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { unescapeLocal } from './jid.ts';
import { NS } from './namespaces.ts';
import { excerpt } from '../bridging/split-text.ts';
import { childOf, textOf } from './xml.ts';

const NAME_LENGTH = 60;
// A name that turns the direction of the text after it could make that say something else.
const DISTURBING = /\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A name without controls and marks of direction, on one line, at most 60 characters. */
export function plainName(name: string): string {
  return excerpt(name.replace(DISTURBING, ''), NAME_LENGTH);
}

/** The name of who wrote a stanza: the nickname it carries (XEP-0172), else the localpart, else the domain. */
export function nameOfSender({ stanza, from }: Incoming): string {
  const nick = plainName(textOf(childOf(stanza, 'nick', NS.nick)));
  if (nick !== '') return nick;
  return plainName(unescapeLocal(from.local)) || from.domain;
}

/** The name of a user of ours. */
export async function nameOfUser(bridge: Bridge, user: UserAddress): Promise<string> {
  return (await knownName(bridge, user)) ?? plainName(userPartOf(user));
}

/** The name of a user of ours; undefined when nobody knows it now, or there is no such user. */
export async function knownName({ relay }: Bridge, user: UserAddress): Promise<string | undefined> {
  try {
    return plainName((await relay.displayName(user)) ?? '') || undefined;
  } catch (error) {
    if (error instanceof NotKnownNow) return undefined;
    throw error;
  }
}
