// What real phones need of HTTP: client-quirks section 1, row by row.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { header, RawConnection, type RawResponse } from '../../support/phone-http.ts';
import { android, movistar } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Heard } from '../../support/phone.ts';
import { codeOf, detailsOf, drain, pollOnly, startScene, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({
    config: {
      login: { userBurst: 1000, sourceBurst: 1000 },
      listen: { csp: { port: 0, path: '/imps' }, ops: { port: 0 } },
    },
  });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const BOTH = [
  ['XML', HABITS.android],
  ['WBXML', HABITS.androidWbxml],
] as const satisfies readonly (readonly [string, Habits])[];

/** The octets of an answer, cut where the headers end. */
const blocks = ({ raw }: RawResponse): string[] => raw.toString('latin1').split('\r\n\r\n');

function expectPlain(heard: Heard): void {
  expect(heard.statusLine).toBe('HTTP/1.1 200 OK');
  expect(header(heard, 'content-length')).toBe(String(heard.body.length));
  expect(header(heard, 'transfer-encoding')).toBeUndefined();
  expect(header(heard, 'content-encoding')).toBeUndefined();
}

describe.each(BOTH)('http in %s', (_encoding, habits) => {
  it('MUST [A,S,C] answers 200 with Content-Length, also for an empty answer, and never chunks', async () => {
    const phone = await scene.online(await scene.person(), habits);
    expectPlain(await phone.say(android.service()));
    const empty = await pollOnly(phone);
    expectPlain(empty);
    expect(header(empty, 'content-length')).toBe('0');
    expect(blocks(empty)).toHaveLength(2);
    expect(blocks(empty)[1]).toBe('');
  });

  it('MUST [A] an empty 200 answers a Polling-Request and a Response-mode message only', async () => {
    const phone = await scene.online(await scene.person(), habits);
    expect((await pollOnly(phone)).body).toHaveLength(0);
    expect((await phone.say(movistar.status(), { mode: 'Response', id: 'x' })).body).toHaveLength(0);
    const late = '<MessageDelivered><MessageID>nothing</MessageID></MessageDelivered>';
    for (const request of [
      movistar.status(),
      late,
      android.keepAlive(),
      android.getList(),
      '<GetMap-Request/>',
      '<Disconnect><Result><Code>200</Code></Result></Disconnect>',
    ]) {
      const heard = await phone.say(request);
      expect(heard.content, request).toBeDefined();
      expectPlain(heard);
    }
  });

  it('MUST [H] sends 100 Continue, so that the raw output has exactly three blocks', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, { ...habits, expect: 'waits' });
    for (const heard of [await phone.say(android.ownPresence(user)), await pollOnly(phone)]) {
      const [interim, head, body, ...more] = blocks(heard);
      expect(interim).toBe('HTTP/1.1 100 Continue');
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(body).toBe(heard.body.toString('latin1'));
      expect(more).toEqual([]);
    }
  });

  it('[P,J] serves clients that send Expect and do not wait', async () => {
    const phone = await scene.online(await scene.person(), { ...habits, expect: 'sends' });
    const heard = await phone.say(android.service());
    expectPlain(heard);
    expect(heard.content?.name).toBe('Service-Response');
  });

  it.each(['/', '/imps', '/imps/', '/imps?x=1', 'http://im.example', 'http://im.example/imps'])(
    '[A,I,J] is reached at %s',
    async (path) => {
      const phone = await scene.online(await scene.person(), { ...habits, path });
      expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    },
  );

  it('[A,I] takes every content type of the field and answers in the encoding and type of the request', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const types =
      habits.encoding === 'xml'
        ? [
            'application/vnd.wv.csp.xml',
            'application/vnd.wv.csp+xml',
            'application/xml',
            'text/xml; charset=utf-8',
          ]
        : [
            'application/vnd.wv.csp.wbxml',
            'application/vnd.wv.csp+wbxml',
            'APPLICATION/VND.WV.CSP.WBXML;charset=utf-8',
          ];
    for (const type of types) {
      const heard = await phone.post(phone.document(android.ownPresence(user)), { contentType: type });
      expect(header(heard, 'content-type')).toBe(type);
      expect(codeOf(heard)).toBe(200);
    }
  });

  it('[C] does not compress for a client that offers gzip and accepts pictures first', async () => {
    const { headers } = HABITS.movistarCsharp;
    const phone = await scene.online(await scene.person(), { ...habits, headers });
    expectPlain(await phone.say(android.service()));
  });

  it('[A] keeps the connection open for minutes', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const heard = await phone.say(android.service());
    await pollOnly(phone);
    await phone.say(android.keepAlive());
    expect(phone.connection.opened).toBe(1);
    expect(header(heard, 'connection')).not.toBe('close');
    const seconds = Number(/timeout=(\d+)/.exec(header(heard, 'keep-alive') ?? '')?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(120);
  });

  it('[A] tells protocol errors in the answer, never by the HTTP status', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const stranger = scene.phone(habits);
    for (const [heard, code] of [
      [await stranger.say(android.getList(), { sessionId: 'nobody' }), 604],
      [await stranger.say(android.getList()), 604],
      [await phone.say('<GetMap-Request/>'), 501],
      [await phone.say(android.sendMessage(user, 'wv:nobody@wv.test', 'hi')), 531],
      [await phone.say('<SendMessage-Request><DeliveryReport>F</DeliveryReport></SendMessage-Request>'), 400],
      [await phone.post(Buffer.from([0x03, 0x11, 0x6a, 0x00, 0x45])), 400],
      [await phone.post(Buffer.alloc(0)), 400],
    ] as const) {
      expectPlain(heard);
      expect(codeOf(heard)).toBe(code);
      expect(detailsOf(heard).length).toBeLessThanOrEqual(1);
    }
  });

  it('[S,A] answers a poll at once instead of holding it', async () => {
    const phone = await scene.online(await scene.person(), habits);
    // Time stands still here: whatever waited for a timer would never answer.
    for (let i = 0; i < 5; i++) expect((await pollOnly(phone)).body).toHaveLength(0);
  });
});

describe('http', () => {
  it('TOLERATE [C] leaks one open connection per empty poll', async () => {
    const phone = await scene.online(await scene.person(), HABITS.movistarCsharp);
    const leaked: RawConnection[] = [];
    const body = Buffer.from(phone.document('<Polling-Request/>'));
    try {
      for (let i = 0; i < 50; i++) {
        const connection = new RawConnection(scene.house.house.addresses.csp.port);
        leaked.push(connection);
        const headers = [
          ['Host', 'im.example'],
          ['Content-Type', 'application/vnd.wv.csp.xml'],
          ['Content-Length', String(body.length)],
        ] as const;
        expect((await connection.post({ path: '/', headers, body })).status).toBe(200);
      }
      expect(leaked.every(({ isOpen }) => isOpen)).toBe(true);
    } finally {
      for (const connection of leaked) connection.close();
    }
  });

  it('TOLERATE [H] malformed XML: answers something and keeps the session alive', async () => {
    const [user, friend] = await scene.people('paco', 'lola');
    const phone = await scene.online(user, HABITS.movistarPhp);
    const list = user.replace('@', '/~pep1.0_subscriptions@');
    const request = phone.document(movistar.addContact(list, friend, 'Lola'), { id: '7' });
    const broken = await phone.post(movistar.broken(request));
    expectPlain(broken);
    expect(codeOf(broken)).toBe(400);
    expect(broken.transactions[0]).toMatchObject({ mode: 'Response', id: '7' });
    expect(broken.xml).toContain(
      `<SessionType>Inband</SessionType><SessionID>${phone.sessionId}</SessionID>`,
    );
    expect(codeOf(await phone.say(movistar.ownPresence(user)))).toBe(200);
    expect(await drain(phone)).toEqual([]);
  });

  it('[A] reports HTTP errors only for what is no CSP at all', async () => {
    const connection = new RawConnection(scene.house.house.addresses.csp.port);
    const post = (path: string, type: string) =>
      connection.post({
        path,
        headers: [
          ['Host', 'im.example'],
          ['Content-Type', type],
          ['Content-Length', '2'],
        ],
        body: Buffer.from('hi'),
      });
    try {
      expect((await post('/elsewhere', 'text/xml')).status).toBe(404);
      expect((await post('/', 'image/gif')).status).toBe(415);
    } finally {
      connection.close();
    }
  });
});
