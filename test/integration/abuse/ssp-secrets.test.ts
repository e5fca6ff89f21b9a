// What never stands in the log, and who is believed by his certificate alone.

import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { simple } from '../../../src/wv/presence.ts';
import { RememberedLog } from '../../support/abuse.ts';
import { eventually } from '../../support/eventually.ts';
import { HostileScene, latency } from '../../support/ssp/hostile-scene.ts';
import { Hostile, transaction } from '../../support/ssp/hostile.ts';
import { SSP_REQUESTS } from '../../support/ssp/ssp-requests.ts';
import { createTestCa, pem } from '../../support/ssp/test-ca.ts';
import { freePort, Side } from '../../support/ssp/two-houses.ts';

const ending: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** Lets everything pass and keeps it. */
class Tap {
  text = '';
  readonly #server: Server;

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (data) => {
          this.text += data.toString();
          to.write(data);
        });
        from.on('close', () => to.destroy());
        from.on('error', () => {});
      }
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)),
    );
  }

  close(): void {
    this.#server.close();
  }
}

/** Everything secret in what went over the wire. */
function secretsIn(wire: string): ReadonlySet<string> {
  const patterns = [
    /<SecretToken[^>]*>([^<]+)</g,
    /<PasswordDigest[^>]*>([^<]+)</g,
    /sessionID="([^"]+)"/gi,
    /x-wv-sessionid: (\S+)/gi,
    /<ContentData[^>]*>([^<]+)</g,
  ];
  const found = patterns.flatMap((pattern) => [...wire.matchAll(pattern)].map(([, secret = '']) => secret));
  return new Set(found.filter(({ length }) => length > 5));
}

describe.each(['debug', 'trace'])('the log at level %s', (logLevel) => {
  it('holds no token, digest, session id or text of anybody', async () => {
    let tap: Tap | undefined;
    const scene = await HostileScene.start({
      hostile: { 'mallory.test': {} },
      logLevel,
      through: async (port) => {
        tap = new Tap(port);
        return tap.listen();
      },
    });
    ending.push(
      () => scene.stop(),
      () => tap?.close(),
    );
    const pair = await scene.pair();
    await latency(pair);
    const { sender, receiver, senderAddress, receiverAddress } = pair;
    const asked = receiver.next('authorization');
    await sender.subscribe({ users: [receiverAddress as never], attributes: ['StatusText'] });
    await asked;
    await receiver.answerAuthorization(senderAddress as never, true);
    const seen = sender.next('presence', ({ attributes }) => attributes.StatusText !== undefined);
    await receiver.updatePresence({ StatusText: simple('on the secret train') });
    await seen;
    const report = receiver.next('report');
    await receiver.sendMessage({
      to: { user: senderAddress as never },
      content: 'the harbour at nine',
      deliveryReport: true,
    });
    await report;

    const mallory = scene.peer('mallory.test');
    await mallory.login();
    const them = {
      service: 'wv:@mallory.test',
      user: 'wv:eve@mallory.test',
      other: receiverAddress,
      theirGroup: 'wv:e/c@mallory.test',
      ourGroup: 'wv:n/c@a.test',
    };
    for (const write of Object.values(SSP_REQUESTS)) await mallory.ask(write(them));
    const message = SSP_REQUESTS.SendMessageRequest?.(them) ?? '';
    const spoilt = [
      message.replace('<MetaInfo', '<M'),
      message.replace(/<Recipient>.*<\/Recipient>/, ''),
      message.slice(0, -8),
    ];
    for (const each of spoilt) await mallory.say(transaction('Request', `s${each.length}`, each));
    await mallory.say(transaction('Request', '1', message), { sessionId: `${mallory.sessionId}x` });
    await mallory.begin({ as: 'nobody.test' });
    await mallory.post(mallory.received.at(-1) ?? '');
    await scene.houses.b.stop();
    await receiver.sendMessage({ to: { user: senderAddress as never }, content: 'the harbour at nine' });
    await eventually('it was tried', () =>
      scene.log.lines.some((line) => line.includes('ECONNREFUSED') || line.includes('refused')),
    );

    const wire = `${tap?.text}${mallory.received.join('')}sessionID="${mallory.sessionId}"`;
    const secrets = new Set([
      ...secretsIn(wire),
      'on the secret train',
      'the harbour at nine',
      'SGVsbG8=',
      'Hello',
    ]);
    expect(secrets.size).toBeGreaterThanOrEqual(10);
    expect(scene.log.lines.length).toBeGreaterThan(20);
    const text = scene.log.lines.join('');
    for (const secret of secrets) expect(text).not.toContain(secret);
    scene.expectNoFaults();
  });
});

describe('where client certificates are wanted', () => {
  it('nobody is heard without one for a domain of the peer, whatever he knows', async () => {
    const ca = createTestCa();
    ending.push(() => ca.remove());
    const port = await freePort();
    const [victim, mallory, short] = [
      await Hostile.open('victim.test'),
      await Hostile.open('mallory.test'),
      await Hostile.open('short.test'),
    ];
    const entry = ({ domain, url }: Hostile) => ({ domain, url, allowPlain: true });
    const folder = await mkdtemp(join(tmpdir(), 'wvgate-a.test-'));
    const log = new RememberedLog();
    const house = new Side(
      'a.test',
      port,
      folder,
      {
        domain: 'a.test',
        data: folder,
        listen: {
          csp: { port: 0 },
          ops: { port: 0 },
          ssp: {
            port,
            tls: ca.issue(['127.0.0.1', 'a.test']),
            clientCertificates: 'optional',
            clientCa: ca.cert,
          },
        },
        ssp: {
          discovery: { enabled: false },
          peers: [
            { ...entry(victim), clientCertificate: true },
            { ...entry(mallory), clientCertificate: true },
            entry(short),
          ],
        },
      },
      { log: log.log },
    );
    await house.start();
    const authority = await readFile(ca.cert);
    for (const peer of [victim, mallory, short]) {
      peer.target = port;
      peer.tls = { ca: authority, ...pem(ca.issue([peer.domain])) };
      ending.push(() => peer.close());
    }
    ending.push(() => house.close());

    await victim.login();
    expect(await victim.ask('<KeepAliveRequest/>')).toBe(200);
    const stolen = { sessionId: victim.sessionId };
    // Somebody found out the id; he has another certificate, or none.
    expect(await mallory.say(transaction('Request', '1', '<KeepAliveRequest/>'), stolen)).toBe(403);
    expect(await mallory.begin({ as: 'victim.test' })).toBe(403);
    mallory.tls = { ca: authority };
    expect(await mallory.say(transaction('Request', '1', '<KeepAliveRequest/>'), stolen)).toBe(403);
    expect(await mallory.begin({})).toBe(403);
    expect(victim.received.filter((each) => each.includes('SendSecretToken'))).toHaveLength(1);
    // A certificate of somebody does not open what counts by a short id.
    await short.login({ sessionId: '5@short.test', from: '127.0.0.7' });
    const guess = { sessionId: '5@short.test', from: '127.0.0.8' };
    mallory.tls = { ca: authority, ...pem(ca.issue(['mallory.test'])) };
    expect(await mallory.say(transaction('Request', '1', '<KeepAliveRequest/>'), guess)).toBe(403);
    expect(await short.say(transaction('Request', '1', '<KeepAliveRequest/>'), guess)).toBe(200);
    expect(log.errors()).toEqual([]);
  });
});

describe('a peer entry that points to ourselves', () => {
  it('is a peer that cannot be reached, and no loop', async () => {
    let own = 0;
    const scene = await HostileScene.start({
      hostile: { 'mallory.test': {} },
      through: (port) => {
        own = port;
        return Promise.resolve(port);
      },
    });
    ending.push(() => scene.stop());
    const mirror = scene.peer('mallory.test');
    // What is posted to it is posted to us, word for word.
    mirror.target = own;
    mirror.react = (document, response) =>
      void mirror.post(document).then((status) => response.writeHead(status === 0 ? 502 : status).end());
    const { client } = await scene.houses.a.somebody('cy');
    await client.sendMessage({ to: { user: 'wv:x@mallory.test' }, content: 'anybody?' });
    await mirror.hears(/SendSecretToken/);
    const pair = await scene.pair();
    expect(await latency(pair)).toBeLessThan(10_000);
    expect(mirror.received.length).toBeLessThan(10);
    scene.expectNoFaults();
  });
});
