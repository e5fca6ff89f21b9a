// What kind of device somebody uses: ClientInfo and the identities of service discovery (XEP-0030), both ways
// (bridging 3.2).

import { childText, leaf } from '../../src/wv/element.ts';
import type { PresenceAttribute, PresenceAttributes } from '../../src/wv/presence.ts';
import { elementsOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Types of the category `client` that our users' clients may have. */
export const CLIENT_TYPES = ['phone', 'pc', 'handheld', 'sms'] as const;
export type ClientType = (typeof CLIENT_TYPES)[number];

/** CLI is the command line protocol, which is spoken by short messages. */
const TYPE_OF: Readonly<Record<string, ClientType>> = {
  MOBILE_PHONE: 'phone',
  COMPUTER: 'pc',
  PDA: 'handheld',
  CLI: 'sms',
};

const CLIENT_INFO_OF: Readonly<Record<string, string>> = {
  phone: 'MOBILE_PHONE',
  pc: 'COMPUTER',
  web: 'COMPUTER',
  console: 'COMPUTER',
  handheld: 'PDA',
  tablet: 'PDA',
  sms: 'CLI',
};

/** The type of a user's client. One who does not say, or whom the contact may not ask, uses a phone like most. */
export function clientTypeOf({ ClientInfo }: PresenceAttributes): ClientType {
  const fields = ClientInfo?.valid === true ? (ClientInfo.fields ?? []) : [];
  const name = childText({ name: '', text: '', children: fields }, 'ClientType')?.toUpperCase() ?? '';
  return (Object.hasOwn(TYPE_OF, name) ? TYPE_OF[name] : undefined) ?? 'phone';
}

/** ClientInfo of a contact's client, by its description; undefined: it is no client. */
export function clientInfoIn(info: XmlElement): PresenceAttribute | undefined {
  const client = elementsOf(info).find(
    ({ name, attrs }) => name === 'identity' && attrs['category'] === 'client',
  );
  if (client === undefined) return undefined;
  const type = client.attrs['type'] ?? '';
  const known = Object.hasOwn(CLIENT_INFO_OF, type) ? CLIENT_INFO_OF[type] : undefined;
  return { valid: true, fields: [leaf('ClientType', known ?? 'OTHER')] };
}
