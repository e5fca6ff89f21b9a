// Where peers listen: their entries, DNS SRV, and the order of attempts.

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { inOrder, type SrvRecord } from '../../../src/access/ssp/srv.ts';
import { postToFirst, Targets, type Located } from '../../../src/access/ssp/targets.ts';
import type { PeerAddress, PostOutcome } from '../../../src/access/ssp/transport.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeSrv, srv } from '../../support/ssp/fake-srv.ts';

const B = trusted<Domain>('operator-b.example');
const first = () => 0;

let clock: ManualClock;
let dns: FakeSrv;
let targets: Targets;
beforeEach(() => {
  clock = new ManualClock();
  dns = new FakeSrv();
  targets = new Targets({ resolver: dns, cacheSeconds: 300, clock, random: first });
});

function urls(located: Located): string[] {
  return located.kind === 'found' ? located.addresses.map(({ url }) => url.href) : [];
}

describe('a peer with a URL', () => {
  it('is there, and DNS is not asked', async () => {
    const located = await targets.locate({ domain: B, url: 'https://ssp.operator-b.example:8443/imps' });
    expect(urls(located)).toEqual(['https://ssp.operator-b.example:8443/imps']);
    expect(located).toMatchObject({ addresses: [{ certificateNames: ['ssp.operator-b.example'] }] });
    expect(dns.asked).toEqual([]);
  });

  it.each([
    ['https://[2001:db8::1]:8443/', ['2001:db8::1', B]],
    ['https://192.0.2.7/', ['192.0.2.7', B]],
    ['https://OPERATOR-B.example/', [B]],
  ])('%s must show the certificate names %j', async (url, certificateNames) => {
    const located = await targets.locate({ domain: B, url, certificateNames: [B] });
    expect(located).toMatchObject({ addresses: [{ certificateNames }] });
  });
});

describe('a peer without a URL', () => {
  it('is found by SRV: HTTPS, with a certificate for target and domain', async () => {
    dns.set(B, [srv('ssp1.host.example', 8443)]);
    const located = await targets.locate({ domain: B });
    expect(dns.asked).toEqual(['_imps-server._tcp.operator-b.example']);
    expect(urls(located)).toEqual(['https://ssp1.host.example:8443/']);
    expect(located).toMatchObject({ addresses: [{ certificateNames: ['ssp1.host.example', B] }] });
  });

  it('may be told to show other certificate names', async () => {
    dns.set(B, [srv('ssp1.host.example')]);
    const located = await targets.locate({ domain: B, certificateNames: [] });
    expect(located).toMatchObject({ addresses: [{ certificateNames: ['ssp1.host.example'] }] });
  });

  it('is tried without TLS after HTTPS, only where that is allowed', async () => {
    dns.set(B, [srv('a.example', 1, 0), srv('b.example', 2, 10)]);
    expect(urls(await targets.locate({ domain: B, allowPlain: true }))).toEqual([
      'https://a.example:1/',
      'http://a.example:1/',
      'https://b.example:2/',
      'http://b.example:2/',
    ]);
    expect(urls(await targets.locate({ domain: B }))).toHaveLength(2);
  });

  it('does not speak SSP when there is no record', async () => {
    expect(await targets.locate({ domain: B })).toEqual({ kind: 'none' });
  });

  it.each(['', '.'])('does not speak SSP when the target is %j', async (target) => {
    dns.set(B, [srv(target)]);
    expect(await targets.locate({ domain: B })).toEqual({ kind: 'none' });
  });

  it('is a question for later when the resolver fails', async () => {
    dns.set(B, { kind: 'unknown', reason: 'DNS: ESERVFAIL' });
    expect(await targets.locate({ domain: B })).toEqual({ kind: 'unknown', reason: 'DNS: ESERVFAIL' });
  });

  it.each(['me@inside.example', 'inside.example/x', 'a b', '[::1]', 'x#y', '%31', 'a'.repeat(300)])(
    'is not looked for at the host %j',
    async (target) => {
      dns.set(B, [srv(target)]);
      expect((await targets.locate({ domain: B })).kind).toBe('unknown');
      dns.set('good.example', [srv(target), srv('good.example')]);
      expect(urls(await targets.locate({ domain: trusted<Domain>('good.example') }))).toHaveLength(1);
    },
  );

  it('is not looked for at port 0, nor at more than a handful of hosts', async () => {
    dns.set(B, [srv('a.example', 0), ...Array.from({ length: 100 }, (_, n) => srv(`h${n}.example`))]);
    expect(urls(await targets.locate({ domain: B }))).toHaveLength(8);
  });

  it('does not speak SSP where discovery is off', async () => {
    const without = new Targets({ cacheSeconds: 300, clock });
    expect(await without.locate({ domain: B })).toEqual({ kind: 'none' });
  });
});

describe('answers of DNS', () => {
  const ask = () => targets.locate({ domain: B });

  it('are kept, and asked for again when their time is over', async () => {
    dns.set(B, [srv('old.example')]);
    await ask();
    dns.set(B, [srv('new.example')]);
    clock.advance(299_999);
    expect(urls(await ask())).toEqual(['https://old.example:8443/']);
    clock.advance(1);
    expect(urls(await ask())).toEqual(['https://new.example:8443/']);
    expect(dns.asked).toHaveLength(2);
  });

  it('that there is nothing are kept as long', async () => {
    await ask();
    clock.advance(299_999);
    await ask();
    expect(dns.asked).toHaveLength(1);
  });

  it('that nobody knows are kept for 10 s', async () => {
    dns.set(B, { kind: 'unknown', reason: 'DNS: ETIMEOUT' });
    await ask();
    clock.advance(9_999);
    await ask();
    expect(dns.asked).toHaveLength(1);
    clock.advance(1);
    await ask();
    expect(dns.asked).toHaveLength(2);
  });

  it('are asked for again at once after `forget`, and when the clock was set back', async () => {
    await ask();
    targets.forget(B);
    await ask();
    clock.set(0);
    await ask();
    expect(dns.asked).toHaveLength(3);
  });

  it('are shared by those who ask at the same time', async () => {
    dns.set(B, [srv('b.example')]);
    dns.held = true;
    const asking = Array.from({ length: 50 }, ask);
    dns.answerAll();
    expect((await Promise.all(asking)).map(urls)).toEqual(
      Array.from({ length: 50 }, () => ['https://b.example:8443/']),
    );
    expect(dns.asked).toHaveLength(1);
  });

  it('are drawn by weight each time, not once', async () => {
    const draws = [0, 0, 0.99, 0];
    targets = new Targets({ resolver: dns, cacheSeconds: 300, clock, random: () => draws.shift() ?? 0 });
    dns.set(B, [srv('a.example', 1, 0, 50), srv('b.example', 1, 0, 50)]);
    expect(urls(await ask())[0]).toBe('https://a.example:1/');
    expect(urls(await ask())[0]).toBe('https://b.example:1/');
  });

  it('of many names do not fill the memory: the longest unused goes', async () => {
    targets = new Targets({ resolver: dns, cacheSeconds: 300, clock, maxCached: 2 });
    const look = (name: string) => targets.locate({ domain: trusted<Domain>(name) });
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await look(name);
    expect(dns.asked.map((name) => name.at(-1))).toEqual(['a', 'b', 'c', 'b']);
  });

  it('are not asked for by hundreds at once', async () => {
    dns.held = true;
    const asking = Array.from({ length: 201 }, (_, n) =>
      targets.locate({ domain: trusted<Domain>(`d${n}.example`) }),
    );
    expect(await asking.at(-1)).toMatchObject({ kind: 'unknown' });
    dns.answerAll();
    expect((await Promise.all(asking)).filter(({ kind }) => kind === 'none')).toHaveLength(200);
  });
});

describe('the order of RFC 2782', () => {
  const names = (records: readonly SrvRecord[]) => records.map(({ target }) => target);

  it('is by priority', () => {
    const records = [srv('c', 1, 30), srv('a', 1, 10), srv('b', 1, 20)];
    expect(names(inOrder(records, first))).toEqual(['a', 'b', 'c']);
  });

  it('gives each of a priority its share', () => {
    const records = [srv('none', 1, 0, 0), srv('small', 1, 0, 10), srv('large', 1, 0, 89)];
    const firsts = Array.from({ length: 100 }, (_, n) => inOrder(records, () => n / 100)[0]?.target);
    const share = (name: string) => firsts.filter((found) => found === name).length;
    expect([share('none'), share('small'), share('large')]).toEqual([1, 10, 89]);
  });

  it('has every record once, whatever is drawn', () => {
    const record = fc.record({
      target: fc.string(),
      port: fc.nat(65_535),
      priority: fc.nat(3),
      weight: fc.oneof(fc.constant(0), fc.nat(65_535)),
    });
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.infiniteStream(draw), (records, draws) => {
        const ordered = inOrder(records, () => draws.next().value as number);
        expect(new Set(ordered)).toEqual(new Set(records));
        expect(ordered).toHaveLength(records.length);
        const priorities = ordered.map(({ priority }) => priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('posting to the first address that can be reached', () => {
  const address = (host: string): PeerAddress => ({
    url: new URL(`https://${host}/`),
    certificateNames: [host],
  });
  const POSTS: Readonly<Record<string, PostOutcome>> = {
    up: { kind: 'answered', status: 200 },
    busy: { kind: 'answered', status: 503, retryAfterSeconds: 5 },
    mute: { kind: 'silent', reason: 'no answer in 10 s' },
    down: { kind: 'unreachable', reason: 'down: connection refused' },
    gone: { kind: 'unreachable', reason: 'gone: no such host' },
  };

  it.each([
    [['up', 'busy'], ['up'], POSTS['up']],
    [['down', 'up'], ['down', 'up'], POSTS['up']],
    [['busy', 'up'], ['busy'], POSTS['busy']],
    [['mute', 'up'], ['mute'], POSTS['mute']],
    [
      ['down', 'gone', 'down'],
      ['down', 'gone', 'down'],
      { kind: 'unreachable', reason: 'down: connection refused; gone: no such host' },
    ],
  ])('of %j tries %j', async (hosts, tried, outcome) => {
    const seen: string[] = [];
    const poster = {
      post: ({ url }: PeerAddress) => {
        seen.push(url.host);
        return Promise.resolve(POSTS[url.host] ?? { kind: 'unreachable' as const, reason: 'unknown' });
      },
    };
    const posted = await postToFirst(poster, hosts.map(address), '<x/>', {});
    expect(seen).toEqual(tried);
    expect(posted.outcome).toEqual(outcome);
    expect(posted.address.url.host).toBe(tried.at(-1));
  });
});
