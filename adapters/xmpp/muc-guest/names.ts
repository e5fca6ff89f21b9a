// Screen names as nicks of rooms.

import { userPartOf } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { RelayPort } from '../../../src/sap/port.ts';
import { stripIllegal } from '../xml.ts';

/** Longest screen name, characters (csp-datatypes section 1). */
const MAX_NICK = 50;

// Control and format characters: invisible, or reversing what stands beside them.
const UNFIT = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;

/** A screen name that a user asked for; '' = he has no wish, undefined = it cannot be one. */
export function wishedNick(wish: string | undefined): string | undefined {
  const name = (wish ?? '').trim();
  return name.length > MAX_NICK || UNFIT.test(name) || stripIllegal(name) !== name ? undefined : name;
}

/** The nick of a user without a wish. */
export async function ownNick(relay: RelayPort, user: UserAddress): Promise<string> {
  const shown = (await relay.displayName(user)) ?? '';
  const name = stripIllegal(shown).replace(new RegExp(UNFIT, 'gu'), '').trim();
  return Array.from(name === '' ? userPartOf(user) : name)
    .slice(0, MAX_NICK - 5)
    .join('');
}

/** The next one to try: `Ann`, `Ann (2)`, `Ann (3)`, … */
export function nextNick(nick: string): string {
  const [, base = nick, number = '1'] = /^(.*) \((\d{1,2})\)$/.exec(nick) ?? [];
  return `${base} (${Number(number) + 1})`;
}
