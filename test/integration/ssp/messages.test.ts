// Messages between two servers over TLS, in every version of CSP at either side (ir76.md section 6.2).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WvClient, WvClientEvents } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import { SkewedClock } from '../../support/skewed-clock.ts';
import { federation, type Federation } from '../../support/ssp/federation.ts';
import { MIXES } from '../../support/ssp/mixes.ts';
import { ask, codesIn, sendMessage } from '../../support/ssp/raw-documents.ts';
import type { Side } from '../../support/ssp/two-houses.ts';
import type { WireTap } from '../../support/ssp/wire-tap.ts';

/** Longest content between the two, octets. */
const LIMIT = 4_000;
const LIMITED = { limits: { messageBytes: LIMIT } };

let all: Federation<'a' | 'b'>;
let wire: WireTap;
/** Of both houses. */
const clock = new SkewedClock();

beforeAll(async () => {
  all = await federation({
    a: { entries: { b: LIMITED }, clock },
    b: { entries: { a: LIMITED }, clock },
  });
  ({ wire } = all);
}, 30_000);

afterAll(() => all.close(), 60_000);

/** Everything of a kind that a client hears from now on. */
function heard<E extends 'message' | 'report'>(client: WvClient, event: E): WvClientEvents[E][] {
  const events: WvClientEvents[E][] = [];
  client.on(event, (value) => events.push(value));
  return events;
}

/** What is under way has arrived, and clients have fetched it. */
async function quiet(...clients: readonly WvClient[]): Promise<void> {
  await wire.settled();
  for (const client of clients) await client.poll();
  await wire.settled();
}

describe.each(MIXES)('%s', (_name, mix) => {
  let [near, far]: [Side, Side] = [] as unknown as [Side, Side];
  beforeAll(() => {
    [near, far] = [all.houses[mix.near], all.houses[mix.far]];
  });

  async function pair() {
    const { user: ann, client: a } = await near.somebody('ann', mix.asking);
    const { user: bea, client: b } = await far.somebody('bea', mix.serving);
    return { ann, a, bea, b };
  }

  it('texts and replies arrive under their id with their time in UTC (M-01, M-02)', async () => {
    const { ann, a, bea, b } = await pair();
    const there = b.next('message');
    const { id } = await a.sendMessage({ to: { user: bea }, content: 'hello' });
    const message = await there;
    expect(message).toMatchObject({ id, from: { user: ann }, to: [{ user: bea }], text: 'hello' });
    expect(message.sentAt).toMatch(/Z$/);
    const back = a.next('message');
    const reply = await b.sendMessage({ to: { user: ann }, content: 'hello yourself' });
    expect(await back).toMatchObject({ id: reply.id, from: { user: bea }, text: 'hello yourself' });
  });

  it.each(['Καλημέρα 你好 🙂👩‍👩‍👧', `<a href="x">&amp; ' "</a>`, ' :-) two  blanks\nand a line ', ']]>'])(
    'the text %j arrives as it is (M-03)',
    async (content) => {
      const { a, bea, b } = await pair();
      const there = b.next('message');
      await a.sendMessage({ to: { user: bea }, content });
      expect((await there).text).toBe(content);
    },
  );

  it('texts of the longest size arrive, longer ones are reported as 415 (M-04)', async () => {
    const { a, bea, b } = await pair();
    const there = b.next('message');
    await a.sendMessage({ to: { user: bea }, content: 'x'.repeat(LIMIT) });
    expect((await there).text).toHaveLength(LIMIT);
    const report = a.next('report');
    const { id } = await a.sendMessage({ to: { user: bea }, content: 'x'.repeat(LIMIT + 1) });
    expect(await report).toMatchObject({ outcome: { code: 415 }, message: { id } });
  });

  it('several recipients of one server are one request, neighbours none (M-05)', async () => {
    const { ann, a, bea, b } = await pair();
    const { user: bob, client: b2 } = await far.somebody('bob', mix.asking);
    const { user: abe, client: a2 } = await near.somebody('abe', mix.serving);
    await wire.settled();
    const mark = wire.log.length;
    const there = [b, b2, a2].map((client) => client.next('message'));
    const sent = await a.sendMessage({
      to: [bea, bob, abe].map((user) => ({ user })),
      content: 'all of you',
    });
    expect(sent.outcome).toMatchObject({ code: 200, details: [] });
    for (const message of await Promise.all(there))
      expect(message).toMatchObject({ id: sent.id, from: { user: ann } });
    await wire.settled();
    const requests = wire.requests('SendMessageRequest', mark);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.body.match(/<Recipient>/g)).toHaveLength(2);
    expect(requests[0]?.body).not.toContain(abe);
  });

  it('who is unknown is reported, the others get it once (M-06)', async () => {
    const { a, bea, b } = await pair();
    const [messages, reports] = [heard(b, 'message'), heard(a, 'report')];
    const nobody = `wv:nobody@${far.domain}`;
    const sent = await a.sendMessage({ to: [{ user: bea }, { user: nobody }], content: 'both' });
    expect(sent.outcome.code).toBe(200);
    await eventually('a report', () => reports.length > 0);
    await quiet(a, b);
    expect(messages.map(({ id }) => id)).toEqual([sent.id]);
    expect(reports).toMatchObject([{ outcome: { code: 531 }, message: { id: sent.id } }]);
  });

  it('who is offline gets it at the next log-in, with the time of its sending (M-08)', async () => {
    const { client: a } = await near.somebody('ann', mix.asking);
    const bea = await far.person('bea');
    const before = Date.now();
    const mark = wire.log.length;
    const { id } = await a.sendMessage({ to: { user: bea }, content: 'for later' });
    await eventually('the request', () => wire.requests('SendMessageRequest', mark).length > 0);
    await wire.settled(mark);
    clock.skip(600_000);
    const b = far.client(bea, mix.serving);
    const there = b.next('message');
    await b.connect();
    const message = await there;
    expect(message).toMatchObject({ id, text: 'for later' });
    const digits = (time: string) => time.replace(/[^\dT]/g, '').slice(0, 13);
    const minutes = [before, Date.now()].map((time) =>
      digits(new Date(time + clockSkew() - 600_000).toISOString()),
    );
    expect(minutes).toContain(digits(message.sentAt ?? ''));
  });

  it('reports come when the client confirmed, not before, and only if asked for (M-10, M-12)', async () => {
    const { client: a } = await near.somebody('ann', mix.asking);
    const bea = await far.person('bea');
    const b = await far.online(bea, { ...mix.serving, autoAcknowledge: false });
    const reports = heard(a, 'report');
    const there = b.next('message');
    const { id } = await a.sendMessage({ to: { user: bea }, content: 'tell me', deliveryReport: true });
    const message = await there;
    await quiet(a);
    expect(reports).toEqual([]);
    await message.acknowledge();
    await eventually('a report', () => reports.length > 0);
    const second = b.next('message');
    await a.sendMessage({ to: { user: bea }, content: 'never mind' });
    await (await second).acknowledge();
    await quiet(a);
    expect(reports).toMatchObject([{ outcome: { code: 200 }, message: { id } }]);
  });

  it('rejected ones are reported as 538 (M-11)', async () => {
    const { client: a } = await near.somebody('ann', mix.asking);
    const bea = await far.person('bea');
    const b = await far.online(bea, { ...mix.serving, autoAcknowledge: false });
    const [there, report] = [b.next('message'), a.next('report')];
    const { id } = await a.sendMessage({ to: { user: bea }, content: 'buy!', deliveryReport: true });
    await there;
    await b.rejectMessage(id ?? '');
    expect(await report).toMatchObject({ outcome: { code: 538 }, message: { id } });
  });

  it('who is blocked, or not on the grant list, is refused with 532 (M-13, M-14)', async () => {
    const { ann, a, bea, b } = await pair();
    const { user: abe, client: a2 } = await near.somebody('abe', mix.asking);
    const messages = heard(b, 'message');
    const refused = async () => {
      const report = a.next('report');
      await a.sendMessage({ to: { user: bea }, content: 'please' });
      return (await report).outcome.code;
    };
    await b.block(ann);
    expect(await refused()).toBe(532);
    await b.changeAccess({ block: { inUse: false, remove: { users: [ann] } } });
    await b.grant(abe);
    expect(await refused()).toBe(532);
    const { id } = await a2.sendMessage({ to: { user: bea }, content: 'me again' });
    await eventually('the message', () => messages.length > 0);
    await quiet(b);
    expect(messages.map((message) => message.id)).toEqual([id]);
  });

  it('pictures arrive octet for octet (M-19)', async () => {
    const { a, bea, b } = await pair();
    const content = Uint8Array.from({ length: 1_000 }, (_, at) => (at * 7) % 256);
    const there = b.next('message');
    await a.sendMessage({ to: { user: bea }, content, contentType: 'application/octet-stream' });
    expect(await there).toMatchObject({ contentType: 'application/octet-stream' });
    expect(Array.from((await there).data ?? [])).toEqual(Array.from(content));
  });

  it('a server speaks for its own users only (M-17)', async () => {
    const { ann, a, bea, b } = await pair();
    const first = b.next('message');
    await a.sendMessage({ to: { user: bea }, content: 'a session, please' });
    await first;
    await wire.settled();
    const messages = heard(b, 'message');
    const route = { from: near.domain, to: far.domain };
    const stranger = `wv:mallory@${far.domain}`;
    const spoofed = { id: 'spoofed', service: near.domain, recipients: [bea] };
    for (const [user, sender] of [
      [stranger, stranger],
      [ann, stranger],
      [stranger, ann],
      [`wv:x@elsewhere.test`, ann],
    ] as const) {
      expect(codesIn(await ask(wire, route, sendMessage({ ...spoofed, user, sender })))).toContain(901);
    }
    await quiet(b);
    expect(messages).toEqual([]);
  });

  it('nothing is passed on to a third server (M-18)', async () => {
    const { ann, a, bea, b } = await pair();
    const there = b.next('message');
    await a.sendMessage({ to: { user: bea }, content: 'a session, please' });
    await there;
    await wire.settled();
    const route = { from: near.domain, to: far.domain };
    const passing = { service: near.domain, user: ann };
    const only = { ...passing, id: `third-${ann}`, recipients: ['wv:cyd@c.test'] };
    expect(codesIn(await ask(wire, route, sendMessage(only)))).toContain(516);
  });
});

it('what nobody fetched in time is not delivered, and reported as 542 (M-09)', async () => {
  const { a: near, b: far } = all.houses;
  const { client: a } = await near.somebody('ann');
  const bea = await far.person('bea');
  const mark = wire.log.length;
  const message = { to: { user: bea }, content: 'now or never', validity: 30 };
  const { id } = await a.sendMessage({ ...message, deliveryReport: true });
  await eventually('the request', () => wire.requests('SendMessageRequest', mark).length > 0);
  await wire.settled(mark);
  // Servers look for what is over every ten seconds.
  const report = a.next('report', undefined, 25_000);
  clock.skip(60_000);
  expect(await report).toMatchObject({ outcome: { code: 542 }, message: { id } });
  const b = far.client(bea);
  const messages = heard(b, 'message');
  await b.connect();
  await quiet(b);
  expect(messages).toEqual([]);
}, 40_000);

/** How far the houses are ahead of us, ms. */
function clockSkew(): number {
  return clock.now() - Date.now();
}
