// Servers that find each other by DNS SRV, and who is let in (ssp.md section 2, rules 8 and 9; ir76.md M-07).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SrvRecord } from '../../../src/access/ssp/srv.ts';
import { eventually } from '../../support/eventually.ts';
import { DnsServer } from '../../support/ssp/dns-server.ts';
import { federation, type Federation, type HouseOptions } from '../../support/ssp/federation.ts';
import { COMMON, NEW, OLD } from '../../support/ssp/mixes.ts';
import { freePort } from '../../support/ssp/two-houses.ts';

let dns: DnsServer;
beforeAll(async () => {
  dns = await DnsServer.start();
});
afterAll(() => dns.close());

const nameOf = (domain: string) => `_imps-server._tcp.${domain}`;
const record = (port: number, priority: number): SrvRecord => ({
  target: 'localhost',
  port,
  priority,
  weight: 0,
});

describe('with open federation', () => {
  let all: Federation<'a' | 'b'>;
  let dead: number;
  beforeAll(async () => {
    const ssp: HouseOptions['ssp'] = { federation: 'open', discovery: { servers: [dns.address] } };
    all = await federation({
      a: { ssp, entries: { b: 'unlisted' } },
      b: { ssp, entries: { a: 'unlisted' } },
    });
    dead = await freePort();
    dns.zone.set(nameOf('b.test'), [record(dead, 10), record(all.portOf('a', 'b'), 20)]);
    dns.zone.set(nameOf('a.test'), [record(all.portOf('b', 'a'), 10)]);
  }, 30_000);
  afterAll(() => all.close(), 60_000);

  it('a server is found by its domain, at the second target when nobody is at the first', async () => {
    const { user: ann, client: a } = await all.houses.a.somebody('ann', OLD);
    const { user: bea, client: b } = await all.houses.b.somebody('bea', NEW);
    const there = b.next('message');
    await a.sendMessage({ to: { user: bea }, content: 'found you' });
    expect(await there).toMatchObject({ from: { user: ann }, text: 'found you' });
    const back = a.next('message');
    await b.sendMessage({ to: { user: ann }, content: 'and I you' });
    await back;
    const url = `https://localhost:${all.portOf('a', 'b')}/`;
    expect(await all.houses.a.peers()).toMatchObject([
      { domain: 'b.test', listed: false, session: 'up', url },
    ]);
    expect(await all.houses.b.peers()).toMatchObject([{ domain: 'a.test', listed: false, session: 'up' }]);
    expect(dns.asked).toContain(nameOf('b.test'));
  });

  it.each([
    ['a name that does not exist', 'nowhere.test', 'nxdomain'],
    ['a name without SRV', 'web.test', 'nodata'],
    ['a target that is a dot', 'no.test', [{ target: '.', port: 0, priority: 0, weight: 0 }]],
  ] as const)('%s is 516 at once, beside who was reached 201 (M-07)', async (_what, domain, answer) => {
    dns.zone.set(nameOf(domain), answer);
    const { client: a } = await all.houses.a.somebody('ann', COMMON);
    const neighbour = await all.houses.a.person('abe');
    const nobody = `wv:x@${domain}`;
    await expect(a.sendMessage({ to: { user: nobody }, content: 'hi' })).rejects.toMatchObject({ code: 516 });
    const sent = await a.sendMessage({ to: [{ user: nobody }, { user: neighbour }], content: 'hi' });
    expect(sent.outcome).toMatchObject({ code: 201, details: [{ code: 516, users: [nobody] }] });
    await expect(a.groups.join(`wv:x/y@${domain}`)).rejects.toMatchObject({ code: 516 });
  });

  it('a domain that DNS says nothing about now is 503: try again', async () => {
    dns.zone.set(nameOf('later.test'), 'servfail');
    const { client: a } = await all.houses.a.somebody('ann', COMMON);
    const message = { to: { user: 'wv:x@later.test' }, content: 'hi' };
    await expect(a.sendMessage(message)).rejects.toMatchObject({ code: 503 });
  });
});

describe('with listed servers', () => {
  let all: Federation<'a' | 'b'>;
  beforeAll(async () => {
    const ssp = { discovery: { servers: [dns.address] } };
    all = await federation({
      a: { ssp, entries: { b: 'by DNS' } },
      b: { ssp, entries: { a: 'unlisted' } },
    });
    dns.zone.set(nameOf('b.test'), [record(all.portOf('a', 'b'), 10)]);
    dns.zone.set(nameOf('a.test'), [record(all.portOf('b', 'a'), 10)]);
  }, 30_000);
  afterAll(() => all.close(), 60_000);

  it('one that is not listed is refused with HTTP 403, which its operator sees', async () => {
    const { client: a } = await all.houses.a.somebody('ann', NEW);
    const bea = await all.houses.b.person('bea');
    expect((await a.sendMessage({ to: { user: bea }, content: 'let me in' })).outcome.code).toBe(200);
    const [peer] = await eventually('a reason', async () => {
      const peers = await all.houses.a.peers();
      return peers[0]?.lastError === undefined ? undefined : peers;
    });
    expect(peer).toMatchObject({ listed: true, session: 'down', waiting: 1 });
    expect(peer?.lastError).toContain('HTTP 403');
    expect(all.wire.log.map(({ from, outcome }) => [from, outcome])).toContainEqual(['a.test', 403]);
    expect(all.wire.log.filter(({ from }) => from === 'b.test')).toEqual([]);
  });

  it('users of one that is not listed are 516, whatever DNS says', async () => {
    const { client: b } = await all.houses.b.somebody('bea', COMMON);
    const ann = await all.houses.a.person('ann');
    await expect(b.sendMessage({ to: { user: ann }, content: 'hi' })).rejects.toMatchObject({ code: 516 });
  });
});
