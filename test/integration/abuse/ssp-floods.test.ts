// More than anybody should send, slower than anybody should, and peers that do not listen: the traffic of another peer
// goes on meanwhile, and memory does not grow.

import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Wire } from '../../support/abuse.ts';
import { eventually } from '../../support/eventually.ts';
import { HostileScene, latenciesDuring, latency, type Pair } from '../../support/ssp/hostile-scene.ts';
import { envelope, transaction, type Hostile } from '../../support/ssp/hostile.ts';
import { SSP_REQUESTS, type Who } from '../../support/ssp/ssp-requests.ts';

/** A message of the honest peer, with both servers, both clients and the flood in one process, ms. */
const BEARABLE = 8_000;

let scene: HostileScene;
let mallory: Hostile;
let pair: Pair;

beforeAll(async () => {
  scene = await HostileScene.start({
    hostile: {
      'mallory.test': {},
      'meek.test': { limits: { requestsPerSecond: 5, burst: 10 } },
      'narrow.test': { limits: { open: 2 } },
      'deaf.test': {},
    },
    logLevel: 'info',
  });
  mallory = scene.peer('mallory.test');
  pair = await scene.pair();
  await mallory.login();
  // The first message sets the session up.
  await latency(pair);
}, 30_000);
afterEach(() => scene.expectNoFaults());
afterAll(() => scene.stop());

function who(domain: string): Who {
  return {
    service: `wv:@${domain}`,
    user: `wv:eve@${domain}`,
    other: pair.receiverAddress,
    theirGroup: `wv:eve/club@${domain}`,
    ourGroup: 'wv:nobody/club@a.test',
  };
}

const question = (domain: string): string => SSP_REQUESTS.GetPresenceRequest?.(who(domain)) ?? '';

/** How often each status came. */
async function tally(count: number, post: (n: number) => Promise<number>): Promise<Record<number, number>> {
  const statuses = await Promise.all(Array.from({ length: count }, (_, n) => post(n)));
  const tallied = Object.groupBy(statuses, (status) => status);
  return Object.fromEntries(Object.entries(tallied).map(([status, all = []]) => [status, all.length]));
}

async function expectBearable(abuse: () => Promise<unknown>): Promise<void> {
  const latencies = await latenciesDuring(pair, abuse);
  expect(Math.max(...latencies)).toBeLessThan(BEARABLE);
}

async function refusedConnections(): Promise<number> {
  const { port } = scene.houses.a.house.addresses.ops ?? {};
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/http_connections_refused_total\{limit="address"\} (\d+)/.exec(metrics)?.[1]);
}

/** Octets in use after a collection. */
function heap(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('while it goes on, others talk:', { timeout: 60_000 }, () => {
  it('2,000 set-ups at once', async () => {
    const before = mallory.received.length;
    await expectBearable(async () => {
      const statuses = await tally(2_000, (n) =>
        scene.stranger.begin({
          as: 'mallory.test',
          id: `s${n}`,
          from: `127.0.2.${n % 4}`.replace(/0$/, '9'),
        }),
      );
      expect(statuses[503]).toBeGreaterThan(1_800);
    });
    // Whoever is named hears of few of them.
    expect(mallory.received.length - before).toBeLessThan(150);
  });

  it('10,000 documents at once, and memory stays as it is', async () => {
    const flood = () =>
      tally(5_000, (n) => mallory.say(transaction('Request', `d${n}`, question('mallory.test'))));
    await expectBearable(flood);
    mallory.received.length = 0;
    const before = heap();
    await expectBearable(flood);
    mallory.received.length = 0;
    await latency(pair);
    expect(heap() - before).toBeLessThan(24_000_000);
  });

  it('10,000 transactions in a document', async () => {
    await eventually('it may ask again', async () => (await mallory.ask('<KeepAliveRequest/>')) === 200);
    const tiny = (count: number) =>
      Array.from({ length: count }, (_, n) => transaction('Request', `t${n}`, '<X/>')).join('');
    await expectBearable(async () => {
      expect(await mallory.say(tiny(9_990))).toBe(200);
      expect(await mallory.say(tiny(10_010))).toBe(400);
    });
    await eventually('it may ask again', async () => (await mallory.ask('<KeepAliveRequest/>')) === 200);
  });

  it('documents of one octet more than the limit, and of markup up to it', async () => {
    const text = (octets: number) => {
      const empty = envelope(`<Session sessionID="${mallory.sessionId}"><!----></Session>`);
      return empty.replace('<!---->', `<!--${'x'.repeat(octets - empty.length)}-->`);
    };
    await expectBearable(async () => {
      expect(await mallory.post(text(1_048_576))).toBe(200);
      expect(await mallory.post(text(1_048_577))).toBe(413);
      // Strangers get nothing read that is larger than a step of the set-up.
      expect(await scene.stranger.post(text(1_048_576).replace(mallory.sessionId, 'x'))).toBe(403);
      expect(await scene.stranger.post(envelope(`<a>${'<b/>'.repeat(10_000)}</a>`))).toBe(403);
      const attributes = Array.from({ length: 100 }, (_, n) => ` a${n}=""`).join('');
      const statuses = await tally(100, () => mallory.say(`<a${attributes}/>`.repeat(1_200)));
      // Reading takes time, and nobody has all of it.
      expect(statuses[503]).toBeGreaterThan(30);
    });
    await eventually('it may ask again', async () => (await mallory.ask('<KeepAliveRequest/>')) === 200);
  });

  it('100 connections that send an octet now and then, and more that send nothing', async () => {
    const wires = await Promise.all(
      Array.from({ length: 130 }, () => Wire.open(scene.houses.a.port, '127.0.0.9')),
    );
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.wv.ssp+xml\r\nContent-Length: 1000\r\n\r\n`;
    for (const wire of wires.slice(0, 60)) wire.send(`${head}<WV`);
    for (const wire of wires.slice(60, 90)) wire.send(head.slice(0, 30));
    await expectBearable(async () => {
      for (let n = 0; n < 20; n += 1) {
        for (const wire of wires.slice(0, 60)) wire.send('-');
        await latency(pair);
      }
    });
    // One address has 100.
    expect(await refusedConnections()).toBeGreaterThanOrEqual(25);
    for (const wire of wires) wire.drop();
  });

  it('500 requests on one connection that takes no answer', async () => {
    const wire = await Wire.open(scene.houses.a.port, '127.0.0.8');
    wire.pause();
    const body = envelope(
      `<Session sessionID="${mallory.sessionId}">${transaction('Request', 'p', question('mallory.test'))}</Session>`,
    );
    const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.wv.ssp+xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await expectBearable(async () => {
      for (let n = 0; n < 500; n += 1) wire.send(post);
      await latency(pair);
    });
    wire.drop();
  });
});

describe('a peer that does not listen', { timeout: 60_000 }, () => {
  const reactions: Record<string, Hostile['react']> = {
    'never answers': () => {},
    'answers with 10 MB': (_, response) => void response.end(Buffer.alloc(10_000_000)),
    'sends elsewhere': (_, response) =>
      void response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
    'speaks no HTTP': (_, response) => void response.socket?.end('\u0000\u0001 nonsense\r\n\r\n'),
    'hangs up': (_, response) => void response.socket?.destroy(),
    'answers 200 and never more': (_, response) => void response.end(),
    'answers 500': (_, response) => void response.writeHead(500, { 'Retry-After': '999999999' }).end(),
  };

  it.each(Object.entries(reactions))('and %s is no concern of others', async (_what, react) => {
    const deaf = scene.peer('deaf.test');
    deaf.react = (_document, response) => void response.end();
    await deaf.login();
    deaf.react = react;
    const { client } = await scene.houses.a.somebody('cy');
    await expectBearable(async () => {
      for (let n = 0; n < 20; n += 1)
        await client.sendMessage({ to: { user: `wv:x${n}@deaf.test` }, content: 'hello' });
      for (let n = 0; n < 20; n += 1)
        await deaf.say(transaction('Request', `${_what}${n}`, question('deaf.test')));
    });
    // It may come back at any time.
    deaf.react = (_document, response) => void response.end();
    deaf.hangUp();
    await deaf.login();
    expect(await deaf.ask('<KeepAliveRequest/>')).toBe(200);
  });
});

describe('the limits of a peer', () => {
  it('are answered 503 and when to come again; then it is served, and others were all the time', async () => {
    const meek = scene.peer('meek.test');
    await meek.login();
    const from = meek.received.length;
    const many = Array.from({ length: 30 }, (_, n) => transaction('Request', `r${n}`, question('meek.test')));
    expect(await meek.say(many.join(''))).toBe(200);
    const codes = await Promise.all(many.map((_, n) => meek.codeFor(`r${n}`, from)));
    expect(codes.filter((code) => code === 503)).toHaveLength(20);
    expect(await meek.hears(/code="503".*<TryAgainTimeout>[1-9]\d*<\/TryAgainTimeout>/s, from)).toBeDefined();
    expect(await mallory.ask(question('mallory.test'))).not.toBe(503);
    // Also questions about the session, and what cannot be read, are counted.
    const nothing = Array.from({ length: 30 }, (_, n) =>
      transaction('Request', `n${n}`, n % 2 ? '<X/>' : '<ServiceRequest/>'),
    );
    expect(await meek.say(nothing.join(''))).toBe(200);
    const others = await Promise.all(nothing.map((_, n) => meek.codeFor(`n${n}`, from)));
    expect(others.filter((code) => code === 503).length).toBeGreaterThan(20);
    await eventually('it is served again', async () => (await meek.ask('<KeepAliveRequest/>')) === 200);
  });

  it('hold for what is under way at once', async () => {
    const narrow = scene.peer('narrow.test');
    await narrow.login();
    const many = Array.from({ length: 10 }, (_, n) =>
      transaction('Request', `o${n}`, question('narrow.test')),
    );
    expect(await narrow.say(many.join(''))).toBe(200);
    const codes = await Promise.all(many.map((_, n) => narrow.codeFor(`o${n}`)));
    expect(codes.filter((code) => code === 503)).toHaveLength(8);
    expect(await narrow.ask(question('narrow.test'))).not.toBe(503);
  });
});

it('documents that are sent again are answered as before, and done once', async () => {
  const id = 'again';
  const arrived: string[] = [];
  pair.receiver.on('message', ({ text }) => void arrived.push(text));
  const message = SSP_REQUESTS.SendMessageRequest?.(who('mallory.test')) ?? '';
  for (let n = 0; n < 20; n += 1) expect(await mallory.say(transaction('Request', id, message))).toBe(200);
  for (let n = 0; n < 5; n += 1)
    expect(await mallory.say(transaction('Request', `${id}${n}`, message))).toBe(200);
  expect(await mallory.codeFor(`${id}4`)).toBe(200);
  await latency(pair);
  expect(arrived.filter((text) => text === 'Hello')).toHaveLength(1);
});
