// The address of a WV user as a human being types it: for prompts (XEP-0100 section 6.3) and commands.

import { domainOf, isAddressError, parseUser, userAddress } from '../../src/wv/address.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { parseMsisdn } from '../../src/wv/msisdn.ts';
import { isUnmappable } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { parseJid } from './jid.ts';

/**
 * The user of this server that is meant by `wv:ann`, `ann`, `ann@` its domain, a number with `+` or `00` however it is
 * grouped, or his JID at this gateway. Undefined = none of these. Whether he exists is not checked.
 */
export function typedUser({ codec, relay, settings }: Bridge, text: string): UserAddress | undefined {
  const plain = text.trim().replace(/^(?:wv|xmpp|tel|im):\s*/i, '');
  const jid = parseJid(plain);
  if (jid?.domain === settings.componentDomain && jid.local !== '') {
    const user = codec.localUser(jid);
    return isUnmappable(user) ? undefined : user;
  }
  const number = /^(?:\+|00)[\d\s().-]+$/.test(plain) ? parseMsisdn(plain) : undefined;
  if (number !== undefined) return userAddress(`+${number}`, relay.homeDomain);
  const user = parseUser(plain, relay.homeDomain);
  return isAddressError(user) || domainOf(user) !== relay.homeDomain ? undefined : user;
}
