// Shorthands of the SSP codec tests.

import { expect } from 'vitest';
import { DIALECTS, type DialectName } from '../../../src/access/ssp/dialects.ts';
import {
  SspSyntaxError,
  type RequestContent,
  type ResponseContent,
  type SspDocument,
  type SspTransaction,
} from '../../../src/access/ssp/document.ts';
import { decodeDocument, encodeDocument, type DecodeOptions } from '../../../src/access/ssp/codec/index.ts';
import type { Domain, GroupAddress, ServiceAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';

export const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

export const OPTIONS: DecodeOptions = {
  homeDomain: 'peer-b.example' as Domain,
  maxBytes: 1_048_576,
  now: NOW,
  defaultValidity: 86_400,
  maxValidity: 604_800,
};

export const alice = 'wv:alice@peer-a.example' as UserAddress;
export const bob = 'wv:bob@peer-b.example' as UserAddress;
export const ben = 'wv:ben@peer-b.example' as UserAddress;
export const hikers = 'wv:bob/hikers@peer-b.example' as GroupAddress;
export const peerA = 'wv:@peer-a.example' as ServiceAddress;
export const peerB = 'wv:@peer-b.example' as ServiceAddress;

const NAMESPACE = 'http://www.openmobilealliance.org/DTD/WV-SSP1.3';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const decode = (text: string): SspDocument => decodeDocument(utf8(text), OPTIONS);

/** Why a text is no document. */
export function refusal(text: string | Uint8Array): string {
  try {
    decodeDocument(typeof text === 'string' ? utf8(text) : text, OPTIONS);
  } catch (error) {
    if (error instanceof SspSyntaxError) return error.message;
    throw error;
  }
  return expect.fail('was taken for a document');
}

export const inSession = (transactions: string): string =>
  `<WV-SSP-Message xmlns="${NAMESPACE}"><Session sessionID="101@peer-a.example">${transactions}</Session></WV-SSP-Message>`;

export const transaction = (mode: string, primitive: string): string =>
  `<Transaction mode="${mode}" transactionID="t-1">${primitive}</Transaction>`;

export function transactionsOf(document: SspDocument): readonly SspTransaction[] {
  return document.kind === 'session' ? document.transactions : expect.fail('is a set-up');
}

function onlyTransaction(document: SspDocument): SspTransaction {
  const [first, ...more] = transactionsOf(document);
  return first !== undefined && more.length === 0 ? first : expect.fail('not one transaction');
}

/** The content of a request whose primitive is written down. */
export function requestContent(primitive: string): RequestContent {
  const { mode, content } = onlyTransaction(decode(inSession(transaction('Request', primitive))));
  return mode === 'Request' ? (content as RequestContent) : expect.fail('is a response');
}

export function responseContent(primitive: string): ResponseContent {
  const { mode, content } = onlyTransaction(decode(inSession(transaction('Response', primitive))));
  return mode === 'Response' ? (content as ResponseContent) : expect.fail('is a request');
}

export function requests(primitive: string): readonly RequestPrimitive[] {
  const content = requestContent(primitive);
  return content.kind === 'relay' ? content.requests : expect.fail(JSON.stringify(content));
}

/** The one request of a primitive. */
export function request<Name extends RequestPrimitive['primitive']>(
  name: Name,
  primitive: string,
): Extract<RequestPrimitive, { readonly primitive: Name }> {
  const [first] = requests(primitive);
  if (first?.primitive !== name) expect.fail(`is ${first?.primitive}`);
  return first as Extract<RequestPrimitive, { readonly primitive: Name }>;
}

export function response(primitive: string): ResponsePrimitive {
  const content = responseContent(primitive);
  return content.kind === 'relay' ? content.response : expect.fail(JSON.stringify(content));
}

/** The code of a request that cannot be understood. */
export function code(primitive: string): number {
  const content = requestContent(primitive);
  return content.kind === 'unreadable' ? content.code : expect.fail('was understood');
}

const asRequest = (content: RequestContent): SspDocument => ({
  kind: 'session',
  version: '1.3',
  sessionId: '101@peer-a.example',
  transactions: [{ mode: 'Request', transactionId: 't-1', content }],
});

/** The element that is written for a request, without its envelope. */
export function written(
  primitive: RequestPrimitive,
  dialect: DialectName = 'standard',
  now?: number,
): string {
  return unwrapped(
    encodeDocument(asRequest({ kind: 'relay', requests: [primitive] }), DIALECTS[dialect], now),
  );
}

export function writtenResponse(primitive: ResponsePrimitive, dialect: DialectName = 'standard'): string {
  return unwrapped(
    encodeDocument(
      {
        kind: 'session',
        version: '1.3',
        sessionId: '101@peer-a.example',
        transactions: [
          { mode: 'Response', transactionId: 't-1', content: { kind: 'relay', response: primitive } },
        ],
      },
      DIALECTS[dialect],
    ),
  );
}

export function unwrapped(document: string): string {
  return /<Transaction [^>]*>(.*)<\/Transaction>/s.exec(document)?.[1] ?? expect.fail(document);
}
