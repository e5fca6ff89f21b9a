// Status codes and stanza errors, both ways.

import { describe, expect, test } from 'vitest';
import { STATUS } from '../../../src/wv/status.ts';
import type { StatusCode } from '../../../src/wv/status.ts';
import { errorReply, resultOfError, stanzaErrorOf } from '../../../adapters/xmpp/errors.ts';
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
