// The SSP codec: octets → document and document → text, in this process, best of seven rounds.

import { decodeDocument, encodeDocument, type DecodeOptions } from '../src/access/ssp/codec/index.ts';
import { DIALECTS } from '../src/access/ssp/dialects.ts';
import type { SessionDocument } from '../src/access/ssp/document.ts';
import { simple } from '../src/wv/presence.ts';
import { serviceAddress } from '../src/wv/address.ts';
import { trusted, type Domain, type MessageId, type UserAddress } from '../src/wv/ids.ts';
import type { RequestPrimitive } from '../src/wv/primitives.ts';
import { microseconds } from './codec.ts';
import type { Row } from './row.ts';

const REPEATS = 5_000;
/** Enough for a look. */
export const FEW_SSP_REPEATS = 500;
const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const OPTIONS: DecodeOptions = {
  homeDomain: trusted<Domain>('peer.example'),
  maxBytes: 1_048_576,
  now: NOW,
  defaultValidity: 86_400,
  maxValidity: 604_800,
};

const service = serviceAddress(trusted<Domain>('bench.example'));
const ann = trusted<UserAddress>('wv:ann@bench.example');
const bea = trusted<UserAddress>('wv:bea@peer.example');

/** What servers exchange most. */
const REQUESTS: Readonly<Record<string, RequestPrimitive>> = {
  'SendMessageRequest of 1 kB': {
    primitive: 'SendMessageRequest',
    meta: { service, user: ann },
    message: {
      id: trusted<MessageId>('m-81@bench.example'),
      sender: { kind: 'user', user: ann },
      recipients: [{ kind: 'user', user: bea }],
      content: {
        contentType: 'text/plain',
        encoding: 'none',
        data: 'Shall we meet? <&> '.repeat(54).slice(0, 1_000),
      },
      sentAt: NOW,
      expiresAt: NOW + 600_000,
    },
    deliveryReport: true,
  },
  PresenceNotification: {
    primitive: 'PresenceNotification',
    meta: { service },
    publisher: ann,
    watchers: [bea],
    attributes: {
      OnlineStatus: simple('T'),
      UserAvailability: simple('AVAILABLE'),
      StatusText: simple('On the train'),
    },
  },
};

function documentOf(request: RequestPrimitive): SessionDocument {
  const content = { kind: 'relay', requests: [request] } as const;
  return {
    kind: 'session',
    version: '1.3',
    sessionId: '101@bench.example',
    transactions: [{ mode: 'Request', transactionId: 'm-7Zb2x0aWx0aWx0aWx0aWx0', content }],
  };
}

/** Two rows a request. There is no other implementation to hold them against. */
export function benchSspCodec(repeats = REPEATS): Row[] {
  const cases = Object.entries(REQUESTS).map(([name, request]) => {
    const document = documentOf(request);
    const encode = (): string => encodeDocument(document, DIALECTS.standard, NOW);
    const octets = Buffer.from(encode());
    return { name, encode, decode: () => decodeDocument(octets, OPTIONS) };
  });
  // As in codec.ts: none pays for the compiler.
  for (const { encode, decode } of cases) for (const call of [encode, decode]) microseconds(call, repeats);
  return cases.flatMap(({ name, encode, decode }) => [
    { what: `SSP decode ${name}`, ours: microseconds(decode, repeats), unit: 'µs' },
    { what: `SSP encode ${name}`, ours: microseconds(encode, repeats), unit: 'µs' },
  ]);
}
