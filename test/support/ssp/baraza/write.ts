// The frame of its documents, byte for byte as it prints them (observed-peer.md sections 10 to 12): where the line
// breaks are is part of the dialect.

import { escape } from './xml.ts';

const HEAD = `<?xml version='1.0'?>
<WV-SSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-SSP1.3">
`;

export type Mode = 'Request' | 'Response';

/** A request in its session. `content` ends with a line break. */
export const requestDocument = (sessionId: string, transactionId: string, content: string): string =>
  `${HEAD}<Session sessionID="${escape(sessionId)}">
<Transaction mode="Request" transactionID="${escape(transactionId)}">
${content}
</Transaction>
</Session>
</WV-SSP-Message>
`;

export interface Answered {
  readonly transactionId: string;
  /** Ends with a line break. */
  readonly content: string;
}

/** All answers to one POST. */
export const responseDocument = (sessionId: string, answers: readonly Answered[]): string =>
  `${HEAD}<Session sessionID="${escape(sessionId)}">
${answers
  .map(
    ({ transactionId, content }) =>
      `<Transaction mode="Response" transactionID="${escape(transactionId)}">\n${content}\n</Transaction>\n\n`,
  )
  .join('')}</Session>
</WV-SSP-Message>
`;

/** Steps 1 and 2. */
export const tokenDocument = (mode: Mode, transactionId: string, domain: string, token: string): string =>
  `${HEAD} <SetupTransaction mode="${mode}" transactionID="${escape(transactionId)}">
 <SendSecretToken serviceID="wv:@${domain}" protocol="WV-SSP"
procotolVersion="1.3">
<SecretToken>
${token}
</SecretToken>${' '}
</SendSecretToken>${' '}
</SetupTransaction>${' '}
</WV-SSP-Message>
`;

/** Steps 3 and 4. */
export const loginDocument = (mode: Mode, transactionId: string, domain: string, digest: string): string =>
  `${HEAD}<SetupTransaction transactionID="${escape(transactionId)}" mode="${mode}">
<LoginRequest serviceID="wv:@${domain}" timeToLive="86400">
<PasswordDigest encoding="base64">
${digest}

</PasswordDigest>
</LoginRequest>

</SetupTransaction>

</WV-SSP-Message>
`;

/** Steps 5 and 6. */
export const sessionDocument = (mode: Mode, transactionId: string, sessionId: string): string =>
  `${HEAD}<SetupTransaction transactionID="${escape(transactionId)}" mode="${mode}">
<LoginResponse sessionID="${escape(sessionId)}" timeToLive="86400">
<Status code="200"/>
 </LoginResponse>

</SetupTransaction>

</WV-SSP-Message>
`;

export interface Detail {
  readonly code: number;
  readonly description: string;
}

/** A Status. It does not escape descriptions: with a `&` from outside, the document is not well formed. */
export function statusElement(code: number, description = '', details: readonly Detail[] = []): string {
  if (description === '') return `<Status code="${code}"/>\n`;
  const found = details.map(
    (detail) =>
      `<DetailedResult code="${detail.code}">\n<StatusDescription>${detail.description}</StatusDescription>\n</DetailedResult>\n`,
  );
  return `<Status code="${code}">\n<StatusDescription>${description}</StatusDescription>\n${found.join('')}</Status>\n`;
}

/** Who acts: a user, with his client where he has one; else the server itself. */
export interface Actor {
  readonly domain: string;
  /** With `wv:`. */
  readonly userId?: string;
  readonly clientId?: string;
}

export const userElement = (userId: string, clientId?: string): string =>
  clientId === undefined
    ? `<User userID="${escape(userId)}"/>\n`
    : `<User userID="${escape(userId)}">\n<ClientID url="${escape(clientId)}"/>\n</User>\n`;

export function metaInfo({ domain, userId, clientId }: Actor): string {
  if (userId === undefined) {
    return `<MetaInfo clientOriginated="No">\n<Requestor serviceID="wv:@${domain}"/>\n</MetaInfo>\n`;
  }
  const user = userElement(userId, clientId);
  return `<MetaInfo clientOriginated="Yes">\n<Requestor serviceID="wv:@${domain}">\n${user}</Requestor></MetaInfo>\n`;
}

/** What keeps the syntax of CSP inside SSP: presence and properties. */
export interface Csp {
  readonly name: string;
  /** A text, elements inside, or nothing: an empty element. */
  readonly value?: string | readonly Csp[];
}

/** Every leaf on a line of its own, and an empty line before every end of a structure. */
export function cspElement({ name, value }: Csp): string {
  if (value === undefined || value.length === 0) return `<${name}/>\n`;
  const inside = typeof value === 'string' ? escape(value) : value.map(cspElement).join('');
  return `<${name}>\n${inside}\n</${name}>\n`;
}

/** Names only: what is asked for. Nothing asked for comes out as C prints a null pointer. */
export const attributeNames = (names: readonly string[] | undefined): string =>
  names === undefined
    ? '(null)'
    : cspElement({ name: 'PresenceSubList', value: names.map((name) => ({ name })) });
