import { describe, expect, it } from 'vitest';
import { AddressList, isAddressPrefix } from '../../../src/access/address-list.ts';
import { Origins } from '../../../src/access/csp/origin.ts';
import { RememberedLog } from '../../support/abuse.ts';

const memory = new RememberedLog();

function origins(trustedProxies: readonly string[], sources?: readonly string[]): Origins {
  return new Origins({
    trustedProxies: new AddressList(trustedProxies),
    msisdn: sources && { headers: ['x-msisdn', 'x-network-msisdn'], sources: new AddressList(sources) },
    log: memory.log,
  });
}

function request(remoteAddress: string, given: Readonly<Record<string, string | readonly string[]>> = {}) {
  const headersDistinct = Object.fromEntries(
    Object.entries(given).map(([name, values]) => [name, [values].flat()]),
  );
  const headers = Object.fromEntries(
    Object.entries(headersDistinct).map(([name, values]) => [name, values.join(', ')]),
  );
  return { socket: { remoteAddress }, headers, headersDistinct };
}

describe('address lists', () => {
  it.each(['192.0.2.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32'])('read %s', (text) => {
    expect(isAddressPrefix(text)).toBe(true);
  });

  it.each(['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '::/129', '10.0.0.0/8/8', '/8'])(
    'refuse %j',
    (text) => {
      expect(isAddressPrefix(text)).toBe(false);
      expect(() => new AddressList([text])).toThrow(TypeError);
    },
  );

  it('hold what their prefixes cover, of either family', () => {
    const list = new AddressList(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);
    const inside = ['10.255.0.1', '2001:db8:1::1', '192.0.2.7'];
    const outside = ['11.0.0.1', '2001:db9::1', '192.0.2.8', '', 'unknown'];
    expect([...inside, ...outside].filter((address) => list.has(address))).toEqual(inside);
  });
});

describe('the source of a request', () => {
  it('is the connection, whatever a stranger writes into X-Forwarded-For', () => {
    const forged = request('203.0.113.9', { 'x-forwarded-for': '10.0.0.1' });
    expect(origins([]).of(forged)).toEqual({ address: '203.0.113.9' });
    expect(origins(['10.0.0.0/8']).of(forged)).toEqual({ address: '203.0.113.9' });
  });

  it('is an IPv4 address also on a socket for both families', () => {
    expect(origins([]).of(request('::ffff:192.0.2.1')).address).toBe('192.0.2.1');
    const behind = request('::ffff:10.0.0.2', { 'x-forwarded-for': '::ffff:192.0.2.1' });
    expect(origins(['10.0.0.0/8']).of(behind).address).toBe('192.0.2.1');
  });

  it.each([
    ['198.51.100.1', '198.51.100.1'],
    ['6.6.6.6, 198.51.100.1', '198.51.100.1'],
    ['6.6.6.6, 198.51.100.1, 10.0.0.3', '198.51.100.1'],
    ['198.51.100.1:4711', '198.51.100.1'],
    ['"[2001:db8::5]:80"', '2001:db8::5'],
    ['2001:db8::5', '2001:db8::5'],
    ['198.51.100.1, unknown', '10.0.0.2'],
    ['', '10.0.0.2'],
    [', ,', '10.0.0.2'],
    ['10.0.0.4, 10.0.0.3', '10.0.0.4'],
  ])('behind a trusted proxy is the rightmost untrusted of %j', (forwarded, address) => {
    const behind = request('10.0.0.2', { 'x-forwarded-for': forwarded });
    expect(origins(['10.0.0.0/8']).of(behind)).toEqual({ address });
  });

  it('does not follow chains without end', () => {
    const behind = request('10.0.0.2', { 'x-forwarded-for': `198.51.100.1${', 10.0.0.3'.repeat(500)}` });
    expect(origins(['10.0.0.0/8']).of(behind).address).toBe('10.0.0.3');
  });
});

describe('the number of a subscriber', () => {
  const gateway = '192.0.2.80';

  it.each([
    ['34600000001', '34600000001'],
    ['+34 600-000-001', '34600000001'],
    ['0034600000001', '34600000001'],
    ['tel:+34600000001', '34600000001'],
    ['0600000001', 'unusable'],
    ['ann', 'unusable'],
    ['', 'unusable'],
    ['1'.repeat(16), 'unusable'],
    ['34600000001, 34600000002', 'unusable'],
  ])('%j of a trusted gateway is %s', (value, number) => {
    expect(origins([], [gateway]).of(request(gateway, { 'x-msisdn': value })).number).toBe(number);
  });

  it('is unusable when the header stands there twice: one may be the client’s', () => {
    const twice = request(gateway, { 'x-msisdn': ['34600000001', '34600000002'] });
    expect(origins([], [gateway]).of(twice).number).toBe('unusable');
  });

  it('is unusable when two of the headers differ: a gateway puts in one, and its client another', () => {
    const forged = { 'x-msisdn': '34600000666', 'x-network-msisdn': '34600000001' };
    expect(origins([], [gateway]).of(request(gateway, forged)).number).toBe('unusable');
    const alike = { 'x-msisdn': '+34600000001', 'x-network-msisdn': '34600000001' };
    expect(origins([], [gateway]).of(request(gateway, alike)).number).toBe('34600000001');
  });

  it('of anybody else is ignored, with one warning for each address', () => {
    const from = origins([], [gateway]);
    const spoofed = request('203.0.113.9', { 'x-msisdn': '34600000001' });
    for (let i = 0; i < 3; i += 1) expect(from.of(spoofed)).toEqual({ address: '203.0.113.9' });
    const warnings = memory.entries().filter(({ address }) => address === '203.0.113.9');
    expect(warnings).toHaveLength(1);
    expect(memory.lines.join()).not.toContain('34600000001');
  });

  it('counts when the gateway stands behind a trusted proxy, not when a client of the proxy says so', () => {
    const from = origins(['10.0.0.0/8'], [gateway]);
    const header = { 'x-msisdn': '34600000001' };
    const real = request('10.0.0.2', { ...header, 'x-forwarded-for': gateway });
    expect(from.of(real)).toEqual({ address: gateway, number: '34600000001' });
    const forged = request('10.0.0.2', { ...header, 'x-forwarded-for': `${gateway}, 198.51.100.1` });
    expect(from.of(forged)).toEqual({ address: '198.51.100.1' });
  });

  it('is nobody’s concern when the server is not set up for it', () => {
    expect(origins([]).of(request(gateway, { 'x-msisdn': '1' }))).toEqual({ address: gateway });
  });
});
