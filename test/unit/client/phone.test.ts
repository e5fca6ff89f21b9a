// The scripted phones themselves: what they send must be what real ones send.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { decode, isCodecError } from '../../../src/access/csp/codec/codec.ts';
import { header, RawConnection } from '../../support/phone-http.ts';
import { android, movistar } from '../../support/phone-messages.ts';
import { androidWbxml, cesu8 } from '../../support/phone-wbxml.ts';
import { HABITS, Phone } from '../../support/phone.ts';

const VECTORS = new URL('../../../../shared/reference/samples/wbxml-vectors.json', import.meta.url);

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly xml: string;
}

const servers: Server[] = [];
const connections: RawConnection[] = [];

afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers with these pieces, one after the other, whatever it is asked. */
async function answering(...pieces: string[]): Promise<RawConnection> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = new RawConnection((server.address() as { port: number }).port);
  connections.push(connection);
  return connection;
}

const REQUEST = { path: '/', headers: [], body: new Uint8Array() };

describe('the raw connection', () => {
  it('keeps every octet of the answer, interim blocks apart', async () => {
    const connection = await answering(
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-',
      'Type: x/y\r\nContent-Length: 4\r\n\r\nab',
      'cd',
    );
    const response = await connection.post({ ...REQUEST, waitForContinue: true });
    expect(response.interim).toEqual(['HTTP/1.1 100 Continue']);
    expect(response.body.toString()).toBe('abcd');
    expect(header(response, 'content-type')).toBe('x/y');
    expect(response.raw.toString().split('\r\n\r\n')).toHaveLength(3);
  });

  it('says when an answer was chunked', async () => {
    const connection = await answering(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\n',
      'c\r\n0\r\n\r\n',
    );
    expect(await connection.post(REQUEST)).toMatchObject({ chunked: true, status: 200 });
  });

  it('takes an empty answer', async () => {
    const connection = await answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await connection.post(REQUEST)).body).toHaveLength(0);
  });
});

describe('what the phones write', () => {
  it('is WBXML with surrogates by themselves and tokens for user text', () => {
    expect(cesu8('😀')).toHaveLength(6);
    const root = { name: 'ContentData', text: 'Open', children: [] };
    expect([...androidWbxml(root, '1.2')]).toEqual([0x03, 0x11, 0x6a, 0x00, 0x4d, 0x80, 0x18, 0x01]);
  });

  it.each(Object.entries(HABITS))('is readable: %s', (_name, habits) => {
    const phone = new Phone(1, habits);
    const said = android.sendMessage('wv:ann', 'wv:bea', 'a<b & c');
    const decoded = decode('xml', new TextEncoder().encode(phone.document(said)));
    if (isCodecError(decoded)) throw new Error(decoded.message);
    expect(decoded.version).toBe(habits.version);
  });

  it('can be broken in the manner of the PHP client', () => {
    const phone = new Phone(1, HABITS.movistarPhp);
    const broken = movistar.broken(phone.document(movistar.addContact('wv:ann/x', 'wv:bea', 'Bea')));
    expect(isCodecError(decode('xml', new TextEncoder().encode(broken)))).toBe(true);
  });

  it('numbers transactions as the family does', () => {
    const phone = new Phone(1, HABITS.movistarPython);
    const ids = Array.from(
      { length: 10 },
      () => /<TransactionID>(\d+)</.exec(phone.document('<GetList-Request/>'))?.[1],
    );
    expect(ids).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '1']);
    expect(phone.document('<Polling-Request/>')).toContain('<TransactionID/>');
  });
});

describe.skipIf(!existsSync(VECTORS))('WBXML of the scripted Android phone (vectors present)', () => {
  const vectors = existsSync(VECTORS)
    ? (JSON.parse(readFileSync(VECTORS, 'utf8')) as { vectors: Vector[] }).vectors
    : [];
  const whole = vectors.filter(({ name }) =>
    ['simple_content', 'cap_request', 'simple_switch_page'].includes(name),
  );

  it.each(whole.map((vector) => [vector.name, vector] as const))(
    'matches the real one: %s',
    (_name, vector) => {
      const decoded = decode('xml', new TextEncoder().encode(vector.xml));
      if (isCodecError(decoded)) throw new Error(decoded.message);
      const written = androidWbxml(decoded.root, decoded.version ?? '1.2');
      expect(Buffer.from(written).toString('hex')).toBe(vector.hex);
    },
  );
});
