// Servers that are away, suspended, too busy, or of another mind about the time (ir76.md M-15, M-16, M-20, G-18 and
// section 6.5).

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { SkewedClock } from '../../support/skewed-clock.ts';
import { federation, type Federation, type HouseOptions } from '../../support/ssp/federation.ts';
import { NEW, OLD } from '../../support/ssp/mixes.ts';
import { ask, codesIn, sendMessage } from '../../support/ssp/raw-documents.ts';

type Two = Federation<'a' | 'b'>;

let open: Two | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
}, 30_000);

async function two(a: HouseOptions = {}, b: HouseOptions = {}): Promise<Two> {
  open = await federation({ a, b });
  return open;
}

/** Ann of a.test and bea of b.test, who knows what arrived. */
async function pair({ houses }: Two) {
  const { user: ann, client: a } = await houses.a.somebody('ann', NEW);
  const { user: bea, client: b } = await houses.b.somebody('bea', OLD);
  const texts: string[] = [];
  b.on('message', ({ text }) => texts.push(text));
  const send = (content: string, validity?: number) =>
    a.sendMessage({ to: { user: bea }, content, ...(validity === undefined ? {} : { validity }) });
  return { ann, a, bea, b, texts, send };
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => `message ${at}`);
const LONG = process.env['WVGATE_LONG'] === '1';

describe('a server that is away', () => {
  it('gets what was sent meanwhile when it is back, in order, once (M-15)', async () => {
    const all = await two();
    const { bea, b: before, send, texts } = await pair(all);
    await send('before');
    await eventually('the first', () => texts.length === 1);
    // Its confirmation has arrived, too.
    await before.poll();
    before.abandon();
    await all.houses.b.stop();
    for (const text of numbered(3)) expect((await send(text)).outcome.code).toBe(200);
    await all.houses.b.start();
    const b = all.houses.b.client(bea);
    const later: string[] = [];
    b.on('message', ({ text }) => later.push(text));
    await b.connect();
    await eventually('all', () => later.length === 3, 30_000);
    await all.wire.settled(all.wire.log.length - 1);
    await b.poll();
    expect(later).toEqual(numbered(3));
  }, 60_000);

  it('for longer than a message is valid: its sender is told 542 (M-16)', async () => {
    const clock = new SkewedClock();
    const all = await two({ clock });
    const { a, send } = await pair(all);
    await all.houses.b.stop();
    const report = a.next('report', undefined, 30_000);
    const { id } = await send('too late', 30);
    clock.skip(31_000);
    expect(await report).toMatchObject({ outcome: { code: 542 }, message: { id } });
  }, 60_000);

  it('lets a message live no longer than its sender wanted', async () => {
    const clock = new SkewedClock();
    const all = await two({ clock });
    const { bea, send } = await pair(all);
    await all.houses.b.stop();
    await send('for a minute', 60);
    clock.skip(40_000);
    await all.houses.b.start();
    const b = all.houses.b.client(bea);
    const there = b.next('message', undefined, 30_000);
    await b.connect();
    await there;
    const [first] = all.wire.requests('SendMessageRequest').filter(({ outcome }) => outcome === 200);
    expect(Number(/validity="(\d+)"/.exec(first?.body ?? '')?.[1])).toBeLessThanOrEqual(20);
  }, 60_000);

  it('while a user is in one of its groups: he is still in, and hears everything once (G-18)', async () => {
    const all = await two();
    const { a, bea, b } = await pair(all);
    const oak = bea.replace('@', '/oak@');
    await b.groups.create(oak, { screenName: 'Bo' });
    await a.groups.join(oak, { screenName: 'Ally' });
    await all.wire.settled();
    const heard: string[] = [];
    a.on('message', ({ text }) => heard.push(text));
    b.abandon();
    await all.houses.b.stop();
    const away = await a.sendMessage({ to: { group: oak }, content: 'anybody?' });
    expect(away.outcome.code).toBe(200);
    await all.houses.b.start();
    const again = all.houses.b.client(bea);
    const there = again.next('message', undefined, 30_000);
    await again.connect();
    await again.groups.join(oak, { screenName: 'Bo' });
    expect(await there).toMatchObject({ text: 'anybody?', from: { group: oak, screenName: 'Ally' } });
    await again.sendMessage({ to: { group: oak }, content: 'back again' });
    await eventually('the message', () => heard.length > 0);
    await a.poll();
    expect(heard).toEqual(['back again']);
    expect((await again.groups.members(oak)).admins).toEqual([bea]);
  }, 60_000);
});

describe('limits', () => {
  it('are told with 503 and a time; nothing of a burst is lost or overtakes (M-20, O-03)', async () => {
    const count = LONG ? 1_000 : 150;
    const limits = { requestsPerSecond: 50, burst: 50 };
    const all = await two({}, { entries: { a: { limits } } });
    const { send, texts } = await pair(all);
    await send('first');
    await eventually('the first', () => texts.length === 1);
    const mark = all.wire.log.length;
    for (const text of numbered(count)) await send(text);
    await eventually('all', () => texts.length > count, 100_000);
    await all.wire.settled(mark);
    expect(texts.slice(1)).toEqual(numbered(count));
    const refusals = all.wire.since(mark).filter(({ body }) => body.includes('code="503"'));
    if (all.wire.requests('SendMessageRequest', mark).length > count)
      expect(refusals.length).toBeGreaterThan(0);
    for (const { body } of refusals) expect(body).toMatch(/<TryAgainTimeout>\d+<\/TryAgainTimeout>/);
  }, 120_000);

  it('of many senders at once are those of their server, which recovers (O-03)', async () => {
    const limits = { requestsPerSecond: 5, burst: 5 };
    const all = await two({}, { entries: { a: { limits } } });
    const { bea, texts } = await pair(all);
    const senders = await Promise.all(numbered(12).map(() => all.houses.a.somebody('ann', OLD)));
    await Promise.all(
      senders.map(({ client }, at) => client.sendMessage({ to: { user: bea }, content: `from ${at}` })),
    );
    await eventually('all', () => texts.length === 12, 30_000);
    expect(new Set(texts).size).toBe(12);
    const refusals = all.wire.log.filter(({ body }) => body.includes('code="503"'));
    expect(refusals.length).toBeGreaterThan(0);
    for (const { body } of refusals) expect(body).toMatch(/<TryAgainTimeout>\d+<\/TryAgainTimeout>/);
  }, 60_000);
});

it('a suspended peer cannot log in, gets nothing, and what is for it waits (O-02)', async () => {
  const all = await two({ entries: { b: { state: 'suspended' } } });
  const { ann, a, b, send, bea } = await pair(all);
  expect((await send('wait for it')).outcome.code).toBe(200);
  await expect(a.groups.join(bea.replace('@', '/oak@'))).rejects.toMatchObject({ code: 503 });
  expect((await b.sendMessage({ to: { user: ann }, content: 'let me in' })).outcome.code).toBe(200);
  await eventually('a refusal', () =>
    all.wire.log.some(({ from, outcome }) => from === 'b.test' && outcome === 403),
  );
  expect(all.wire.log.filter(({ from }) => from === 'a.test')).toEqual([]);
  expect(await all.houses.a.peers()).toMatchObject([{ session: 'down', waiting: 1 }]);
});

it.each([300_000, -300_000])(
  'clocks that differ by %d ms change nothing but the time shown (O-04)',
  async (skew) => {
    const all = await two({ clock: new SkewedClock(skew) });
    const { ann, a, b, send, texts } = await pair(all);
    const there = b.next('message');
    await send('what time is it?', 60);
    const { sentAt = '' } = await there;
    const shown = sentAt.replace(/^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d).*$/, '$1-$2-$3T$4:$5:$6Z');
    expect(Math.abs(Date.parse(shown) - Date.now() - skew)).toBeLessThan(30_000);
    const [report, back] = [a.next('report'), a.next('message')];
    await b.sendMessage({ to: { user: ann }, content: 'late' });
    await back;
    await a.sendMessage({ to: { user: b.settings.user }, content: 'tell me', deliveryReport: true });
    expect(await report).toMatchObject({ outcome: { code: 200 } });
    expect(texts).toEqual(['what time is it?', 'tell me']);
  },
);

it('a hub speaks for all of its domains and for no other (O-06)', async () => {
  const all = await two({ entries: { b: { domains: ['one.test', 'two.test'] } } });
  const { ann, a, b, send, texts, bea } = await pair(all);
  await send('a session, please');
  await eventually('it', () => texts.length === 1);
  await all.wire.settled();
  const route = { from: 'b.test', to: 'a.test' };
  const froms: string[] = [];
  a.on('message', ({ from }) => froms.push(from !== undefined && 'user' in from ? from.user : '?'));
  const say = (domain: string) => {
    const user = `wv:x@${domain}`;
    return ask(
      all.wire,
      route,
      sendMessage({ id: `hub-${domain}`, service: domain, user, recipients: [ann] }),
    );
  };
  for (const domain of ['one.test', 'two.test']) expect(codesIn(await say(domain))[0]).toBe(200);
  expect(codesIn(await say('three.test'))[0]).toBe(901);
  await eventually('both', () => froms.length === 2);
  expect(froms.toSorted()).toEqual(['wv:x@one.test', 'wv:x@two.test']);
  // And what is for them goes to it.
  const mark = all.wire.log.length;
  await a.sendMessage({ to: { user: 'wv:x@two.test' }, content: 'hello' });
  await eventually('the request', () =>
    all.wire
      .requests('SendMessageRequest', mark)
      .some(({ to, body }) => to === 'b.test' && body.includes('wv:x@two.test')),
  );
  expect(b.settings.user).toBe(bea);
});

it('a number that is not a user there is reported, and passed on to nobody (O-07)', async () => {
  const all = await two();
  const { a } = await pair(all);
  const report = a.next('report');
  const { id } = await a.sendMessage({ to: { user: 'wv:+447700900123@b.test' }, content: 'moved?' });
  expect(await report).toMatchObject({ outcome: { code: 531 }, message: { id } });
  await expect(a.sendMessage({ to: { user: 'wv:+447700900123' }, content: 'moved?' })).rejects.toMatchObject({
    code: 531,
  });
});
