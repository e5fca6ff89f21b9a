// What is told of a document before it is read, whose address is whose, and how metrics stay bounded.

import { describe, expect, it } from 'vitest';
import { networkOf } from '../../../src/access/address-list.ts';
import { Places, seemingSessionId, TimeShares } from '../../../src/access/ssp/triage.ts';
import { claimedDomains } from '../../../src/sap/routing.ts';
import { createMetrics } from '../../../src/ops/metrics.ts';
import { PeerDirectory } from '../../../src/access/ssp/directory.ts';
import type { Domain } from '../../../src/wv/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';
import { request } from './documents.ts';

const seen = (text: string): string | undefined => seemingSessionId(Buffer.from(text));

describe('the session that a document seems to be in', () => {
  it.each([
    ['<a><Session sessionID="1@b"/></a>', '1@b'],
    ["<?xml version='1.0'?><x:a><x:Session\n other='1' SessionId = ' 1@b '></x:Session>", '1@b'],
    ['<a><LoginResponse sessionID="1@b"/></a>', undefined],
    ['<a><Session sessionID="1&amp;b"/></a>', undefined],
    ['<a><SessionX sessionID="1@b"/></a>', undefined],
    [`${' '.repeat(5_000)}<Session sessionID="1@b"/>`, undefined],
    ['', undefined],
  ])('%s', (text, id) => expect(seen(text)).toBe(id));

  it('is found in no time, whatever the head looks like', () => {
    const begun = performance.now();
    for (const piece of ['<Session ', ' ', '<Session sessionID', 'sessionID=', '<Session\t'])
      seen(piece.repeat(5_000));
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe('the time of each caller', () => {
  const allowance = { burst: 100, perSecond: 10 };

  it('is spent, and comes back; others have theirs', () => {
    const clock = new ManualClock();
    const shares = new TimeShares(clock);
    shares.charge('a', 100, allowance);
    expect(shares.wait('a', allowance)).toBe(0);
    shares.charge('a', 50, allowance);
    expect(shares.wait('a', allowance)).toBe(5);
    expect(shares.wait('b', allowance)).toBe(0);
    clock.advance(5_000);
    expect(shares.wait('a', allowance)).toBe(0);
  });
});

it('places are taken and given back, also by what fails', async () => {
  const places = new Places({ all: 2, each: 1 });
  const { promise, reject } = Promise.withResolvers<never>();
  const first = places.during('a', () => promise);
  expect(await places.during('a', () => Promise.resolve(1))).toBeUndefined();
  expect(await places.during('b', () => Promise.resolve(1))).toBe(1);
  reject(new Error('x'));
  await expect(first).rejects.toThrow('x');
  expect(await places.during('a', () => Promise.resolve(1))).toBe(1);
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::a:b:c:d', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('the network of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));

it('names that strangers made up do not fill the metrics', async () => {
  const metrics = createMetrics();
  for (let n = 0; n < 6_000; n += 1) metrics.count('made_up_total', { peer: `x${n}.test`, role: 'r' });
  metrics.count('made_up_total', { peer: 'x1.test', role: 'r' });
  const lines = (await metrics.expose()).text
    .split('\n')
    .filter((line) => line.startsWith('wvgate_made_up_total{'));
  expect(lines).toHaveLength(5_001);
  expect(lines.at(-1)).toContain('peer="other",role="other"} 1000');
  expect(lines).toContain('wvgate_made_up_total{peer="x1.test",role="r"} 2');
});

it('a copy out of a group claims the group that it is shown in', () => {
  const copy = request(
    'SendMessageRequest',
    '<SendMessageRequest><MetaInfo><Requestor serviceID="wv:@a.example"/></MetaInfo><MessageInfo messageID="1"><Recipient><User userID="wv:bob@peer-b.example"/><RecipientDisplay><ScreenName groupID="wv:x/y@c.example">Bo</ScreenName></RecipientDisplay></Recipient><Sender><GroupID groupID="wv:x/y@a.example"/></Sender></MessageInfo></SendMessageRequest>',
  );
  expect([...claimedDomains(copy)]).toEqual(['a.example', 'c.example']);
});

describe('with open federation', () => {
  const opened: string[] = [];
  const directory = (adopt: () => Promise<void>) =>
    new PeerDirectory([], {
      decode: () => {
        throw new Error('not used');
      },
      unlisted: {
        max: 1,
        isTaken: (domain) => domain === 'a.example',
        locate: (domain) => {
          opened.push(domain);
          return Promise.resolve({ kind: 'found', addresses: [] });
        },
        create: (domain) => ({ domains: [domain], settings: { listed: false }, isIdle: false }) as never,
        adopt,
        release: () => false,
      },
      clock: new ManualClock(),
      log: SILENT,
      metrics: NO_METRICS,
    });

  it('our own domain is not looked for', async () => {
    expect(await directory(() => Promise.resolve()).find('a.example' as Domain)).toEqual({ code: 516 });
    expect(opened).toEqual([]);
  });

  it('a peer that the house cannot have takes no place', async () => {
    const hers = directory(() => Promise.reject(new Error('taken')));
    for (let n = 0; n < 3; n += 1) await expect(hers.find('b.example' as Domain)).rejects.toThrow('taken');
    expect(hers.peers.size).toBe(0);
  });
});
