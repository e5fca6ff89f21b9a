// Peers found by real DNS messages, from a server on loopback.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dnsResolver, type SrvResolver } from '../../../src/access/ssp/srv.ts';
import { Targets, type Located } from '../../../src/access/ssp/targets.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { DnsServer, type DnsAnswer } from '../../support/ssp/dns-server.ts';
import { srv } from '../../support/ssp/fake-srv.ts';

const B = trusted<Domain>('operator-b.example');
const NAME = '_imps-server._tcp.operator-b.example';

let clock: ManualClock;
let dns: DnsServer;
let resolver: SrvResolver;
let targets: Targets;
beforeEach(async () => {
  clock = new ManualClock();
  dns = await DnsServer.start();
  resolver = dnsResolver([dns.address], 250);
  targets = new Targets({ resolver, cacheSeconds: 300, clock, random: () => 0 });
});
afterEach(async () => {
  resolver.close();
  await dns.close();
});

function locate(answer: DnsAnswer): Promise<Located> {
  dns.zone.set(NAME, answer);
  return targets.locate({ domain: B });
}

describe('a domain', () => {
  it('with SRV records is found at its targets, by priority', async () => {
    const located = await locate([srv('two.example', 8002, 20, 5), srv('one.example', 8001, 10, 5)]);
    expect(located).toEqual({
      kind: 'found',
      addresses: [
        { url: new URL('https://one.example:8001/'), certificateNames: ['one.example', B] },
        { url: new URL('https://two.example:8002/'), certificateNames: ['two.example', B] },
      ],
    });
    expect(dns.asked).toEqual([NAME]);
  });

  it.each<DnsAnswer>(['nxdomain', 'nodata', [srv('.', 0)]])('with %j has no SSP', async (answer) => {
    expect(await locate(answer)).toEqual({ kind: 'none' });
  });

  it.each<[DnsAnswer, string]>([
    ['servfail', 'DNS: ESERVFAIL'],
    ['refused', 'DNS: EREFUSED'],
  ])('whose server says %j is to be tried later', async (answer, reason) => {
    expect(await locate(answer)).toEqual({ kind: 'unknown', reason });
  });

  it('whose server says nothing is to be tried later', async () => {
    expect(await locate('silent')).toEqual({ kind: 'unknown', reason: 'DNS: ETIMEOUT' });
    expect(dns.asked.length).toBeGreaterThan(1);
  });

  it('whose server is asked when we stop is not waited for', async () => {
    const located = locate('silent');
    resolver.close();
    expect(await located).toMatchObject({ kind: 'unknown' });
  });

  it('too long for DNS has no SSP', async () => {
    const domain = trusted<Domain>(Array.from({ length: 4 }, () => 'x'.repeat(62)).join('.'));
    expect(await targets.locate({ domain })).toEqual({ kind: 'none' });
    expect(dns.asked).toEqual([]);
  });
});

it('what changed in DNS counts after cacheSeconds, whatever the time to live of the record', async () => {
  await locate([srv('old.example')]);
  dns.zone.set(NAME, [srv('new.example')]);
  expect(await targets.locate({ domain: B })).toMatchObject({
    addresses: [{ url: new URL('https://old.example:8443/') }],
  });
  clock.advance(300_000);
  expect(await targets.locate({ domain: B })).toMatchObject({
    addresses: [{ url: new URL('https://new.example:8443/') }],
  });
});

it('of a hundred records the first ones are taken', async () => {
  const located = await locate(Array.from({ length: 100 }, (_, n) => srv(`h${n}.example`, 8443, 100 - n)));
  expect(located).toMatchObject({ kind: 'found', addresses: { length: 8 } });
  expect(located).toMatchObject({ addresses: { 0: { url: new URL('https://h99.example:8443/') } } });
});
