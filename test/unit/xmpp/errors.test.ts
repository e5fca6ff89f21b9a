// Status codes and stanza errors, both ways.

import { describe, expect, test } from 'vitest';
import { STATUS } from '../../../src/wv/status.ts';
import type { StatusCode } from '../../../src/wv/status.ts';
import { errorReply, newAddressOf, resultOfError, stanzaErrorOf } from '../../../adapters/xmpp/errors.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { stanza, xml } from '../../../adapters/xmpp/xml.ts';

function errorOf(type: string, condition: string, attrs: Record<string, string> = {}) {
  return stanza(
    'message',
    { type: 'error' },
    xml(NS.component, 'body', {}, 'the original'),
    xml(NS.component, 'error', { type, ...attrs }, xml(NS.stanzaError, condition)),
  );
}

describe('a status as a stanza error', () => {
  test('every failure has one', () => {
    for (const code of Object.keys(STATUS).map(Number) as StatusCode[]) {
      expect(stanzaErrorOf({ code }).condition).toMatch(/^[a-z-]+$/);
    }
  });

  test('an unknown user and a block look the same, and neither says more', () => {
    expect(stanzaErrorOf({ code: 532, description: 'you are blocked' })).toEqual(
      stanzaErrorOf({ code: 531 }),
    );
    expect(stanzaErrorOf({ code: 531 })).toEqual({ condition: 'service-unavailable', type: 'cancel' });
  });

  test('of several codes the first detail counts', () => {
    expect(stanzaErrorOf({ code: 900, details: [{ code: 507 }] }).condition).toBe('resource-constraint');
  });
});

/** Section 12 of the bridging tables, row by row: codes, what they become, and what that becomes on the way back. */
const ROWS: readonly (readonly [
  codes: readonly StatusCode[],
  type: string,
  condition: string,
  back: StatusCode,
])[] = [
  [[400, 402], 'modify', 'bad-request', 400],
  [[401], 'auth', 'not-authorized', 401],
  [[403, 431, 534, 809, 816], 'auth', 'forbidden', 403],
  [[404, 800], 'cancel', 'item-not-found', 404],
  [[405, 501, 506], 'cancel', 'feature-not-implemented', 405],
  [[408, 504], 'wait', 'remote-server-timeout', 408],
  [[410, 533, 542], 'wait', 'recipient-unavailable', 410],
  [[415], 'modify', 'not-acceptable', 415],
  [[432], 'modify', 'policy-violation', 432],
  [[500], 'cancel', 'internal-server-error', 500],
  [[503, 817], 'wait', 'service-unavailable', 503],
  [[507], 'wait', 'resource-constraint', 507],
  [[516], 'cancel', 'remote-server-not-found', 516],
  [[531, 532], 'cancel', 'service-unavailable', 410],
  [[538], 'cancel', 'not-acceptable', 538],
  [[600, 604], 'wait', 'unexpected-request', 600],
  [[801, 811], 'cancel', 'conflict', 801],
  [[808, 812, 813], 'cancel', 'not-allowed', 808],
  [[810], 'auth', 'registration-required', 810],
  [[901], 'modify', 'jid-malformed', 901],
];

describe.each(ROWS)('the codes %j', (codes, type, condition, back) => {
  test(`are ${condition} of type ${type}, which is ${back}`, () => {
    for (const code of codes) expect(stanzaErrorOf({ code })).toMatchObject({ type, condition });
    expect(resultOfError(errorOf(type, condition)).code).toBe(back);
  });
});

test('several codes at once give the error of the first', () => {
  for (const code of [201, 900] as const) {
    expect(stanzaErrorOf({ code, details: [{ code: 531 }, { code: 507 }] }).condition).toBe(
      'service-unavailable',
    );
  }
});

test('a rate limit says that it will pass, both ways', () => {
  expect(stanzaErrorOf({ code: 503, tryAgainAfter: 5 })).toMatchObject({
    condition: 'resource-constraint',
    type: 'wait',
  });
  expect(resultOfError(errorOf('wait', 'policy-violation')).code).toBe(503);
});

test.each([
  ['gone', 'xmpp:bobby@xmpp.example', 'bobby@xmpp.example'],
  ['redirect', 'xmpp:Bob%20by@xmpp.example/x?message', 'bob by@xmpp.example'],
  ['gone', '', undefined],
  ['gone', 'https://evil.example', undefined],
  ['gone', 'xmpp:%zz', undefined],
  ['item-not-found', 'xmpp:bobby@xmpp.example', undefined],
])('the new address of %s is read from %j', (condition, text, bare) => {
  const error = stanza(
    'message',
    { type: 'error' },
    xml(NS.component, 'error', { type: 'cancel' }, xml(NS.stanzaError, condition, {}, text)),
  );
  const address = newAddressOf(error);
  expect(address === undefined ? undefined : `${address.local}@${address.domain}`).toBe(bare);
});

describe('a stanza error as a status', () => {
  test.each([
    ['cancel', 'item-not-found', 404],
    ['cancel', 'service-unavailable', 410],
    ['wait', 'service-unavailable', 503],
    ['cancel', 'remote-server-not-found', 516],
    ['wait', 'remote-server-timeout', 408],
    ['wait', 'recipient-unavailable', 410],
    ['modify', 'not-acceptable', 415],
    ['cancel', 'not-acceptable', 538],
    ['modify', 'jid-malformed', 901],
    ['wait', 'undefined-condition', 503],
    ['auth', 'undefined-condition', 403],
    ['modify', 'undefined-condition', 402],
    ['cancel', 'undefined-condition', 410],
  ])('%s %s is %i', (type, condition, code) => {
    expect(resultOfError(errorOf(type, condition)).code).toBe(code);
  });

  test('the legacy code attribute is not read', () => {
    expect(resultOfError(errorOf('cancel', 'undefined-condition', { code: '503' })).code).toBe(410);
  });

  test('an error without a condition still has a status', () => {
    expect(resultOfError(stanza('message', { type: 'error' })).code).toBe(410);
  });
});

test('errors and results are never answered by an error', () => {
  for (const type of ['error', 'result']) {
    expect(
      errorReply(stanza('iq', { type, from: 'a@b', to: 'c@d' }), stanzaErrorOf({ code: 500 })),
    ).toBeUndefined();
  }
});
