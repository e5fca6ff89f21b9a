// HTTP that is wrong, odd or hostile: every request that is complete gets its answer, everything else a refusal.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { posted, RememberedLog, watchForUncaught, Wire } from '../../support/abuse.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Phone } from '../../support/phone.ts';

const remembered = new RememberedLog();
let scene: Scene;
let port: number;
let checkUncaught: () => void;
const wires: Wire[] = [];

beforeAll(async () => {
  checkUncaught = watchForUncaught();
  scene = await startScene({ log: remembered.log });
  ({ port } = scene.house.house.addresses.csp);
});
afterEach(() => {
  for (const wire of wires.splice(0)) wire.drop();
  scene.closePhones();
  expect(remembered.errors()).toEqual([]);
});
afterAll(async () => {
  await scene.stop();
  checkUncaught();
});

async function wire(): Promise<Wire> {
  const opened = await Wire.open(port);
  wires.push(opened);
  return opened;
}

async function askRaw(octets: string | Uint8Array): Promise<{ status: number; head: string; text: string }> {
  const opened = await wire();
  opened.send(octets);
  const { status, head, body } = await opened.answer();
  return { status, head, text: body.toString('utf8') };
}

async function online(): Promise<Phone> {
  return scene.online(await scene.person(), HABITS.android);
}

const sp = (phone: Phone, id: string): string => phone.document('<GetSPInfo-Request/>', { id });

describe('methods, paths, content types', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND', 'TRACE'])(
    '%s is answered 405, or 404 elsewhere',
    async (method) => {
      const here = await askRaw(`${method} /csp HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect([here.status, /^allow: (.*)$/im.exec(here.head)?.[1]]).toEqual([405, 'POST']);
      const elsewhere = await askRaw(`${method} /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(elsewhere.status).toBe(404);
    },
  );

  it.each(['/wrong', '/csp/deeper', '/%2e%2e/csp', '//csp', '/csp%00', '*'])(
    'a POST to %j is answered 404',
    async (path) => {
      const phone = await online();
      const octets = posted(sp(phone, '1')).toString('latin1').replace('POST /csp', `POST ${path}`);
      expect((await askRaw(octets)).status).toBe(404);
    },
  );

  it.each(['', 'text/plain', 'application/x-www-form-urlencoded', ';', 'x'.repeat(8000)])(
    'the content type %.40j is made good by the first octet, in XML and WBXML',
    async (type) => {
      const phone = await online();
      const xml = await askRaw(posted(` \r\n\t${sp(phone, '1')}`, { 'Content-Type': type }));
      expect(xml.status).toBe(200);
      expect(xml.head).toMatch(/^content-type: application\/vnd\.wv\.csp\.xml$/im);
      expect(xml.text).toContain('<Name>wvgate</Name>');
      const wbxml = await askRaw(
        posted(Buffer.from([0x03, 0x11, 0x6a, 0x00, 0x45]), { 'Content-Type': type }),
      );
      expect(wbxml.status).toBe(200);
      expect(wbxml.head).toMatch(/^content-type: application\/vnd\.wv\.csp\.wbxml$/im);
    },
  );

  it.each(['', 'null', '{"a":1}', '   ', '\u0004abc'])(
    '%j of no known type is answered 415',
    async (body) => {
      expect((await askRaw(posted(body, { 'Content-Type': 'text/plain' }))).status).toBe(415);
    },
  );

  it.each(['application/vnd.wv.ssp.xml', 'Application/VND.wv.ssp+xml; charset=utf-8'])(
    '%s belongs to another door: 415',
    async (type) => {
      const phone = await online();
      expect((await askRaw(posted(sp(phone, '1'), { 'Content-Type': type }))).status).toBe(415);
    },
  );
});

describe('bodies', () => {
  it('a chunked request is read, also an octet at a time', async () => {
    const phone = await online();
    const text = sp(phone, '1');
    const chunks = [...text].map((octet) => `1;ext=x\r\n${octet}\r\n`).join('');
    const opened = await wire();
    const head = posted('', { 'Content-Length': '', 'Transfer-Encoding': 'chunked' }).toString('latin1');
    for (const octet of `${head}${chunks}0\r\nTrailer: x\r\n\r\n`) opened.send(octet);
    expect((await opened.answer()).body.toString()).toContain('<Name>wvgate</Name>');
  });

  it('too much is answered 413, announced or not, and the answer arrives', async () => {
    const big = Buffer.alloc(300 * 1024, 0x3c);
    expect((await askRaw(posted(big))).status).toBe(413);
    const chunk = Buffer.concat([
      Buffer.from(`${big.length.toString(16)}\r\n`),
      big,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    const head = posted('', { 'Content-Length': '', 'Transfer-Encoding': 'chunked' });
    expect((await askRaw(Buffer.concat([head, chunk]))).status).toBe(413);
  });

  it('a length beyond all measure is refused before anything is sent', async () => {
    for (const length of ['100000000', '9007199254740993', '18446744073709551615']) {
      expect((await askRaw(posted('', { 'Content-Length': length }))).status, length).toBe(413);
    }
    expect((await askRaw(posted('', { 'Content-Length': '99999999999999999999999' }))).status).toBe(400);
  });

  it('a length that is too short cuts the message: Status 400, then the rest is refused', async () => {
    const phone = await online();
    const opened = await wire();
    opened.send(posted(sp(phone, '1'), { 'Content-Length': '100' }));
    const [first, second] = await opened.answers(2);
    expect(first?.status).toBe(200);
    expect(first?.body.toString()).toContain('<Code>400</Code>');
    expect(second?.status).toBe(400);
    opened.finish();
    await opened.isClosed();
  });

  it('a length that is too long ends with the connection', async () => {
    const phone = await online();
    const opened = await wire();
    opened.send(posted(sp(phone, '1'), { 'Content-Length': '5000' }));
    opened.finish();
    expect((await opened.answer()).status).toBe(400);
    await opened.isClosed();
  });

  it.each([
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
    ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['a length that is no number', 'Content-Length: -1\r\n'],
    ['an unknown transfer coding', 'Transfer-Encoding: gzip\r\n'],
    ['a NUL in a header', 'X: a\0b\r\n'],
    ['a header without a name', ': x\r\n'],
    ['a folded chunk of nothing', 'Transfer-Encoding : chunked\r\n'],
  ])('%s are refused with 400', async (_what, headers) => {
    const { status } = await askRaw(`POST /csp HTTP/1.1\r\nHost: x\r\n${headers}\r\nhello`);
    expect(status).toBe(400);
  });

  it('a broken chunk is refused with 400', async () => {
    const head = posted('', { 'Content-Length': '', 'Transfer-Encoding': 'chunked' }).toString('latin1');
    expect((await askRaw(`${head}zz\r\nabc\r\n`)).status).toBe(400);
  });
});

describe('connections', () => {
  it('pipelined requests are answered in their order', async () => {
    const phone = await online();
    const opened = await wire();
    const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
    // A log-in takes its time; what stands behind it must wait.
    const login = posted(
      scene.phone(HABITS.android).document(android.login('wv:nobody', 'x', ''), { id: 't' }),
    );
    opened.send(Buffer.concat([login, ...ids.map((id) => posted(sp(phone, id)))]));
    const answers = await opened.answers(41);
    expect(answers.map(({ body }) => /<TransactionID>(.*?)</.exec(body.toString())?.[1])).toEqual([
      't',
      ...ids,
    ]);
  });

  it('garbage behind a complete request does not cost it its answer', async () => {
    const phone = await online();
    const opened = await wire();
    const login = posted(
      scene.phone(HABITS.android).document(android.login('wv:nobody', 'x', ''), { id: 't' }),
    );
    opened.send(Buffer.concat([login, posted(sp(phone, '2')), Buffer.from('\u0000\u0001garbage\r\n\r\n')]));
    const answers = await opened.answers(3);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400]);
    expect(answers[0]?.body.toString()).toContain('Login-Response');
    opened.finish();
    await opened.isClosed();
  });

  it('a flood of headers is refused with 431', async () => {
    const flood = Array.from({ length: 3000 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
    expect((await askRaw(`POST /csp HTTP/1.1\r\nHost: x\r\n${flood}\r\n`)).status).toBe(431);
    expect((await askRaw(`POST /csp HTTP/1.1\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`)).status).toBe(431);
    expect((await askRaw(`POST /${'y'.repeat(40_000)} HTTP/1.1\r\n\r\n`)).status).toBe(431);
  });

  it('a wish to upgrade the connection is not granted, the request is served', async () => {
    const phone = await online();
    const { status, text } = await askRaw(
      posted(sp(phone, '1'), {
        Connection: 'Upgrade, HTTP2-Settings',
        Upgrade: 'h2c',
        'HTTP2-Settings': 'AAMAAABk',
      }),
    );
    expect([status, text.includes('wvgate')]).toEqual([200, true]);
  });

  it.each([
    'CONNECT im.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001',
  ])('%j ends the connection', async (hello) => {
    const opened = await wire();
    opened.send(hello);
    opened.finish();
    await opened.isClosed();
  });

  it('clients that vanish in the middle leave nothing behind', async () => {
    const phone = await online();
    const whole = posted(sp(phone, '1'));
    for (let cut = 1; cut < whole.length; cut += 7) {
      const opened = await Wire.open(port);
      opened.send(whole.subarray(0, cut));
      if (cut % 2 === 0) opened.drop();
      else opened.reset();
    }
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });

  it('600 half-open connections and slow bodies do not keep others waiting', async () => {
    const phone = await online();
    const begin = posted('x'.repeat(1000));
    for (let i = 0; i < 600; i += 1) {
      const opened = await wire();
      if (i % 3 === 1) opened.send(begin.subarray(0, 30));
      if (i % 3 === 2) opened.send(begin.subarray(0, begin.length - 500));
    }
    const begun = performance.now();
    for (let i = 0; i < 50; i += 1) expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
