// Sessions between two servers over TLS (ir76.md section 6.1): how they begin, end, are lost and found again.

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { SkewedClock } from '../../support/skewed-clock.ts';
import { federation, type Federation, type HouseOptions } from '../../support/ssp/federation.ts';
import { answerTo, codesIn, document, metaInfo, sendMessage } from '../../support/ssp/raw-documents.ts';
import { expectTranscript, transactionsOf, type Passed } from '../../support/ssp/transcript.ts';
import type { Meddler } from '../../support/ssp/wire-tap.ts';

type Two = Federation<'a' | 'b'>;

let open: Two | undefined;
const clock = new SkewedClock();

afterEach(async () => {
  await open?.close();
  open = undefined;
}, 30_000);

/** Sessions end after a minute without traffic. */
const SHORT = { ssp: { timeToLive: 60 }, clock };

async function two(options: { readonly a?: HouseOptions; readonly b?: HouseOptions } = {}): Promise<Two> {
  open = await federation({ a: options.a ?? {}, b: options.b ?? {} });
  return open;
}

/** Ann of a.test and bea of b.test. */
async function pair({ houses }: Two) {
  const { user: ann, client: a } = await houses.a.somebody('ann');
  const { user: bea, client: b } = await houses.b.somebody('bea');
  const texts: string[] = [];
  b.on('message', ({ text }) => texts.push(text));
  const send = (content: string) => a.sendMessage({ to: { user: bea }, content });
  return { ann, a, bea, b, texts, send };
}

async function arrives(texts: readonly string[], text: string): Promise<void> {
  await eventually(text, () => texts.includes(text), 20_000);
}

const setups = ({ wire }: Two, mark = 0) =>
  wire
    .transactions(mark)
    .filter(({ mode, primitive }) => mode === 'Request' && primitive === 'SendSecretToken');

const holds = (passed: Passed, primitive: string) =>
  transactionsOf(passed.body).some((each) => each.primitive === primitive);

describe('a session', () => {
  it('takes six steps, one POST each, and serves both directions (S-01)', async () => {
    const all = await two();
    const { ann, a, b, send, texts } = await pair(all);
    await send('there');
    await arrives(texts, 'there');
    const back = a.next('message');
    await b.sendMessage({ to: { user: ann }, content: 'and back' });
    await back;
    const steps = all.wire.log.filter(({ body }) => body.includes('<SetupTransaction'));
    expect(steps.map(({ from, body }) => `${from} ${transactionsOf(body)[0]?.primitive}`)).toEqual([
      'a.test SendSecretToken',
      'b.test SendSecretToken',
      'a.test LoginRequest',
      'b.test LoginRequest',
      'a.test LoginResponse',
      'b.test LoginResponse',
    ]);
    for (const house of [all.houses.a, all.houses.b])
      expect(await house.peers()).toMatchObject([{ session: 'up', circuit: 'closed', version: '1.3' }]);
  });

  it('is not set up with a wrong digest; later it is (S-02)', async () => {
    const all = await two();
    const { send, texts } = await pair(all);
    let spoilt = 0;
    all.wire.meddler = (passed) => {
      if (passed.from !== 'b.test' || !holds(passed, 'LoginRequest') || spoilt > 0) return undefined;
      spoilt += 1;
      const wrong = Buffer.alloc(32, 7).toString('base64');
      return { kind: 'instead', body: passed.body.replace(/(<PasswordDigest[^>]*>)[^<]*/, `$1${wrong}`) };
    };
    await send('patience');
    await arrives(texts, 'patience');
    expect(spoilt).toBe(1);
    expect(setups(all).length).toBeGreaterThan(1);
    const first = setups(all)[0]?.id;
    const confirmed = all.wire
      .transactions()
      .filter(({ id, primitive }) => id === first && primitive === 'LoginResponse');
    expect(confirmed).toEqual([]);
  });

  it('is not set up by who cannot be reached where the domain is (S-03)', async () => {
    const all = await two();
    const token = `<SendSecretToken serviceID="wv:@b.test" protocol="WV-SSP" protocolVersion="1.3"><SecretToken>not-of-b</SecretToken></SendSecretToken>`;
    const body = `<WV-SSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-SSP1.3"><SetupTransaction mode="Request" transactionID="impostor">${token}</SetupTransaction></WV-SSP-Message>`;
    expect(await all.wire.post('a.test', body)).toBe(200);
    const answered = await eventually('the answer goes to b.test', () =>
      all.wire.log.find(
        ({ from, to, outcome }) => from === 'a.test' && to === 'b.test' && outcome !== 'pending',
      ),
    );
    expect([transactionsOf(answered.body)[0]?.primitive, answered.outcome]).toEqual(['SendSecretToken', 403]);
    await eventually('the attempt is over', async () => (await all.houses.a.peers())[0]?.session === 'down');
    const { send, texts } = await pair(all);
    await send('the real one');
    await arrives(texts, 'the real one');
  });

  it('is one, in which both speak, when both begin at once (S-04)', async () => {
    const all = await two();
    const { ann, a, bea, b, texts } = await pair(all);
    const back: string[] = [];
    a.on('message', ({ text }) => back.push(text));
    // Both first steps are under way before either arrives.
    const both = Promise.withResolvers<void>();
    const began = new Set<string>();
    const meddler: Meddler = (passed) => {
      if (!passed.body.includes('mode="Request"') || !holds(passed, 'SendSecretToken')) return undefined;
      began.add(passed.from);
      if (began.size === 2) both.resolve();
      return { kind: 'later', when: both.promise };
    };
    all.wire.meddler = meddler;
    await Promise.all([
      a.sendMessage({ to: { user: bea }, content: 'from a' }),
      b.sendMessage({ to: { user: ann }, content: 'from b' }),
    ]);
    await arrives(texts, 'from a');
    await arrives(back, 'from b');
    await all.wire.settled();
    expect(began.size).toBe(2);
    const spoken = (from: string) =>
      new Set(
        all.wire.log
          .filter((passed) => passed.from === from)
          .flatMap(({ body }) => /<Session sessionID="([^"]+)"/.exec(body)?.[1] ?? []),
      );
    expect([spoken('a.test').size, spoken('b.test').size]).toEqual([1, 1]);
    expect([texts, back]).toEqual([['from a'], ['from b']]);
  });

  it('that idled too long is set up anew, and the message arrives once (S-05)', async () => {
    const all = await two({ a: SHORT, b: SHORT });
    const { send, texts } = await pair(all);
    await send('first');
    await arrives(texts, 'first');
    await all.wire.settled();
    const mark = all.wire.log.length;
    clock.skip(61_000);
    await eventually('both ended it', async () => {
      const states = [...(await all.houses.a.peers()), ...(await all.houses.b.peers())];
      return states.every(({ session }) => session !== 'up');
    });
    await send('second');
    await arrives(texts, 'second');
    expect(setups(all, mark)).toHaveLength(1);
    expect(texts).toEqual(['first', 'second']);
  });

  it('that idles half its time is kept alive (S-07)', async () => {
    const all = await two({ a: SHORT, b: SHORT });
    const { send, texts } = await pair(all);
    await send('first');
    await arrives(texts, 'first');
    await all.wire.settled();
    const mark = all.wire.log.length;
    clock.skip(31_000);
    await eventually('a KeepAlive', () => all.wire.requests('KeepAliveRequest', mark).length > 0);
    await all.wire.settled(mark);
    const [request] = all.wire.requests('KeepAliveRequest', mark);
    expectTranscript(
      'keep-alive',
      all.wire
        .since(mark)
        .filter(({ body }) => body.includes(`"${request?.id}"`))
        .slice(0, 2),
    );
    clock.skip(31_000);
    await send('second');
    await arrives(texts, 'second');
    expect(setups(all, mark)).toEqual([]);
  });

  it('is logged out of when a server stops; what comes later waits for the next one (S-08)', async () => {
    const all = await two();
    const { ann, bea, b, send, texts } = await pair(all);
    await send('first');
    await arrives(texts, 'first');
    await all.wire.settled();
    const mark = all.wire.log.length;
    await all.houses.a.stop();
    expectTranscript(
      'logout',
      all.wire.since(mark).filter((passed) => !holds(passed, 'ServiceRequest')),
    );
    expect((await all.houses.b.peers())[0]?.session).toBe('down');
    expect((await b.sendMessage({ to: { user: ann }, content: 'while away' })).outcome.code).toBe(200);
    await all.houses.a.start();
    const again = all.houses.a.client(ann);
    const back = again.next('message', undefined, 20_000);
    await again.connect();
    expect(await back).toMatchObject({ text: 'while away', from: { user: bea } });
  });

  it.each(['604', 'HTTP 403'])(
    'that the peer forgot (%s) is set up anew, requests come again under their ids (S-06)',
    async (how) => {
      const all = await two();
      const { send, texts } = await pair(all);
      await send('first');
      await arrives(texts, 'first');
      await all.wire.settled();
      const mark = all.wire.log.length;
      let forgotten: string | undefined;
      all.wire.meddler = (passed) => {
        if (forgotten !== undefined || passed.from !== 'a.test' || !holds(passed, 'SendMessageRequest'))
          return undefined;
        forgotten = transactionsOf(passed.body)[0]?.id ?? '';
        if (how === 'HTTP 403') return { kind: 'answer', status: 403 };
        const session = all.wire.sessionOf('b.test', 'a.test');
        const status = '<Status code="604"/>';
        const answer = document(session, { id: forgotten, content: status }).replace(
          'mode="Request"',
          'mode="Response"',
        );
        void all.wire.post('a.test', answer);
        return { kind: 'answer', status: 200 };
      };
      await send('second');
      await arrives(texts, 'second');
      await all.wire.settled(mark + 1);
      expect(setups(all, mark)).toHaveLength(1);
      expect(all.wire.requests('SendMessageRequest', mark).map(({ id }) => id)).toEqual([
        forgotten,
        forgotten,
      ]);
      expect(texts).toEqual(['first', 'second']);
    },
  );

  it('that ends takes unanswered requests along to the next one, under their ids (S-06, S-08)', async () => {
    const all = await two();
    const { bea, send, texts } = await pair(all);
    all.wire.meddler = (passed) =>
      passed.from === 'b.test' && holds(passed, 'SendMessageResponse')
        ? { kind: 'answer', status: 403 }
        : undefined;
    await send('taken, not answered');
    await arrives(texts, 'taken, not answered');
    await eventually('the lost answer', () => all.wire.log.some(({ outcome }) => outcome === 403));
    await send('behind it');
    all.wire.meddler = undefined;
    await all.houses.b.stop();
    await all.houses.b.start();
    const b = all.houses.b.client(bea);
    const later: string[] = [];
    b.on('message', ({ text }) => later.push(text));
    await b.connect();
    await arrives(later, 'behind it');
    const [first, second] = all.wire.requests('SendMessageRequest').filter(({ outcome }) => outcome === 200);
    expect(second?.id).toBe(first?.id);
  });

  it('is set up with a peer that writes procotolVersion and blanks around its token (S-10)', async () => {
    const all = await two();
    const { send, texts } = await pair(all);
    all.wire.meddler = (passed) => {
      if (passed.from !== 'b.test' || !holds(passed, 'SendSecretToken')) return undefined;
      const body = passed.body
        .replace('protocolVersion=', 'procotolVersion=')
        .replace(/ digestSchemas="[^"]*"/, '')
        .replace(/(<SecretToken[^>]*>)([^<]*)/, '$1\n    $2\n  ');
      return { kind: 'instead', body };
    };
    await send('odd, but well');
    await arrives(texts, 'odd, but well');
    expect((await all.houses.a.peers())[0]).toMatchObject({ session: 'up', dialect: 'baraza' });
  });
});

describe('in a session', () => {
  async function up() {
    const all = await two();
    const scene = await pair(all);
    await scene.send('first');
    await arrives(scene.texts, 'first');
    await all.wire.settled();
    return {
      ...scene,
      all,
      route: { from: 'a.test', to: 'b.test' },
      session: all.wire.sessionOf('a.test', 'b.test'),
    };
  }

  it('an unknown primitive is 405, and the session stays (S-11)', async () => {
    const { all, route, session, send, texts } = await up();
    const content = `<DanceRequest tempo="fast">${metaInfo('a.test')}</DanceRequest>`;
    expect(await all.wire.post('b.test', document(session, { id: 'dance', content }))).toBe(200);
    expect(codesIn((await answerTo(all.wire, route, 'dance')).body)).toEqual([405]);
    await send('second');
    await arrives(texts, 'second');
    expect(setups(all)).toHaveLength(1);
  });

  it.each([
    ['not well formed', '<WV-SSP-Message><Session'],
    [
      'a DTD',
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><WV-SSP-Message><Session sessionID="&b;"/></WV-SSP-Message>',
    ],
    ['something else', '<html/>'],
    ['nothing', ''],
    ['64 levels and more', `${'<x>'.repeat(200)}${'</x>'.repeat(200)}`],
  ])('%s is HTTP 400 (S-12)', async (_what, body) => {
    const { all } = await up();
    expect(await all.wire.post('b.test', body)).toBe(400);
  });

  it('twenty transactions of one POST are served in order, and answered in one (S-13)', async () => {
    const { all, ann, bea, route, session, texts } = await up();
    const numbers = Array.from({ length: 20 }, (_, at) => `batch-${at}`);
    const transactions = numbers.map((id) => ({
      id,
      content: sendMessage({ id: `${id}@a.test`, service: 'a.test', user: ann, recipients: [bea], text: id }),
    }));
    expect(await all.wire.post('b.test', document(session, ...transactions))).toBe(200);
    const answer = await answerTo(all.wire, route, 'batch-0');
    expect(transactionsOf(answer.body).map(({ id }) => id)).toEqual(numbers);
    await arrives(texts, 'batch-19');
    expect(texts).toEqual(['first', ...numbers]);
  });

  it('what comes twice is served once, and answered alike (S-14)', async () => {
    const { all, ann, bea, route, session, texts, send } = await up();
    const content = sendMessage({
      id: 'twice@a.test',
      service: 'a.test',
      user: ann,
      recipients: [bea],
      text: 'twice',
    });
    const body = document(session, { id: 'twice', content });
    const answers: string[] = [];
    for (let time = 0; time < 2; time += 1) {
      const mark = all.wire.log.length;
      expect(await all.wire.post('b.test', body)).toBe(200);
      answers.push((await answerTo(all.wire, route, 'twice', mark)).body);
      clock.skip(1_000);
    }
    expect(answers[1]).toBe(answers[0]);
    await send('last');
    await arrives(texts, 'last');
    expect(texts).toEqual(['first', 'twice', 'last']);
    expect(await all.houses.b.metric('ssp_repeats_total')).toBe(1);
  });
});
