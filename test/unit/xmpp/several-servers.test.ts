// Several XMPP servers at one house: sections of the configuration, names, and no way from one server to another.

import { describe, expect, test } from 'vitest';
import { AddressCodec } from '../../../adapters/xmpp/addresses.ts';
import { parseJid } from '../../../adapters/xmpp/jid.ts';
import { checkConfig, ConfigError } from '../../../src/config.ts';
import { configuredGateways } from '../../../src/configured-gateways.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { Domain } from '../../../src/wv/ids.ts';

const A = { component: 'imps.a.example', secret: 'x', domains: ['a.example'] };
const B = { component: 'imps.b.example', secret: 'y', domains: ['b.example'] };
const DOMAIN = 'wv.example';

function complaint(xmpp: unknown): string {
  try {
    configuredGateways(checkConfig({ domain: DOMAIN, xmpp }, 'file', '/'));
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('the sections', () => {
  test.each([
    [A, ['xmpp']],
    [[A], ['xmpp']],
    [
      [A, B],
      ['xmpp', 'xmpp:imps.b.example'],
    ],
  ])('become gateways whose names keep what the first has stored', (xmpp, names) => {
    const gateways = configuredGateways(checkConfig({ domain: DOMAIN, xmpp }, 'file', '/'));
    expect(gateways.map(({ name }) => name)).toEqual(names);
  });

  test.each([
    [
      [A, { ...B, component: 'imps.a.example' }],
      'xmpp.1.component: imps.a.example is also in xmpp.0.component',
    ],
    [[A, { ...B, domains: ['a.example'] }], 'xmpp.1.domains.0: a.example is also in xmpp.0.domains.0'],
    [[{ ...A, pseudoDomain: DOMAIN }], 'xmpp.0.pseudoDomain: wv.example is also in domain'],
    [{ ...A, domains: ['imps.a.example'] }, 'xmpp.domains.0: imps.a.example is also in xmpp.component'],
    [{ ...A, secret: undefined }, 'file: xmpp.secret'],
    [[A, { ...B, secret: undefined }], 'file: xmpp.1.secret'],
    [[A, { ...B, misspelt: 1 }], 'file: xmpp.1'],
    [[], 'file: xmpp'],
    [[A, { ...B, domains: [] }], 'xmpp.1: the XMPP gateway serves no domain'],
  ])('are refused by key: %j', (xmpp, words) => {
    expect(complaint(xmpp)).toContain(words);
  });
});

test.each(['bob@b.example', 'ann@imps.b.example'])('%s has no address at the server of others', (text) => {
  const codec = new AddressCodec({
    home: trusted<Domain>(DOMAIN),
    componentDomain: 'imps.a.example',
    domains: ['a.example'],
    pseudoDomain: 'xmpp.wv.example',
    elsewhere: ['imps.b.example', 'b.example'],
  });
  expect(codec.foreignUser(parseJid(text) ?? { local: '', domain: '', resource: '' })).toMatchObject({
    unmappable: 516,
  });
});
