// The fetcher of files against servers that mean no good.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AddressGate, AllowListError } from '../../../adapters/xmpp/files/addresses.ts';
import { GuardedFetcher } from '../../../adapters/xmpp/files/fetch.ts';
import type { FetchSettings } from '../../../adapters/xmpp/files/fetch.ts';
import { TransferError } from '../../../adapters/xmpp/files/pinned-request.ts';
import { putFile } from '../../../adapters/xmpp/files/put.ts';
import { sniff } from '../../../adapters/bridging/sniff.ts';
import { eventually } from '../../support/eventually.ts';
import { FileServer, gives, PNG, sendsTo } from '../../support/file-server.ts';

const MAX = 100_000;
let server: FileServer;

beforeAll(async () => {
  server = await FileServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.paths.clear();
  server.requests.length = 0;
});

function fetcher(
  changes: Partial<FetchSettings> & { readonly allow?: readonly string[] } = {},
): GuardedFetcher {
  const { allow = ['127.0.0.0/8'], ...rest } = changes;
  return new GuardedFetcher({
    maxBytes: MAX,
    insecure: true,
    gate: new AddressGate(allow),
    connectMs: 500,
    totalMs: 1_000,
    ...rest,
  });
}

async function failure(task: Promise<unknown>): Promise<string> {
  const error: unknown = await task.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof TransferError ? error.failure : `no failure but ${String(error)}`;
}

describe('what is fetched', () => {
  test('a picture, byte for byte, with the type of its octets', async () => {
    server.paths.set('/a', gives(PNG, { 'content-type': 'text/html' }));
    const { octets, type } = await fetcher().fetch(server.url('/a'));
    expect(octets.equals(PNG)).toBe(true);
    expect(type).toBe('image/png');
  });

  test('over three redirects, and not over four', async () => {
    server.paths.set('/4', sendsTo('/3'));
    server.paths.set('/3', sendsTo(server.url('/2')));
    server.paths.set('/2', sendsTo('/1'));
    server.paths.set('/1', sendsTo('/0'));
    server.paths.set('/0', gives(PNG));
    expect((await fetcher().fetch(server.url('/3'))).octets).toHaveLength(PNG.length);
    expect(await failure(fetcher().fetch(server.url('/4')))).toBe('redirects');
  });
});

describe('where it does not go', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '168.63.129.16',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[fe80::1]',
    '[fd00::1]',
    '[ff02::1]',
    '[fec0::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
  ])('%s is refused', async (host) => {
    expect(await failure(fetcher({ allow: [] }).fetch(server.url('/a', host)))).toBe('address');
    expect(server.requests).toEqual([]);
  });

  test('a name with one private address among public ones', async () => {
    const resolve = () => Promise.resolve(['8.8.8.8', '127.0.0.1']);
    expect(await failure(fetcher({ allow: [], resolve }).fetch('https://trap.example/'))).toBe('address');
  });

  test('a redirect to a private address', async () => {
    const other = `http://127.0.0.2:${server.port}/secret`;
    server.paths.set('/a', sendsTo(other));
    expect(await failure(fetcher({ allow: ['127.0.0.1'] }).fetch(server.url('/a')))).toBe('address');
    expect(server.requests).toEqual(['GET /a']);
  });

  test('a name that changes its mind: it is asked once, and the connection goes to that answer', async () => {
    server.paths.set('/a', gives(PNG));
    const answers = ['127.0.0.1', '10.0.0.1'];
    const resolve = () => Promise.resolve([answers.shift() ?? '10.0.0.2']);
    const { type } = await fetcher({ resolve, allow: ['127.0.0.1'] }).fetch(server.url('/a', 'two.faced'));
    expect(type).toBe('image/png');
    expect(answers).toEqual(['10.0.0.1']);
  });

  test.each([
    'ftp://example.org/a',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'https://user:secret@example.org/',
    'https://example.org:25/',
    'not a link',
    `https://example.org/${'a'.repeat(3_000)}`,
  ])('%s', async (url) => {
    expect(await failure(fetcher().fetch(url))).toBe('url');
  });

  test('http, unless it is let through, also by a redirect', async () => {
    expect(await failure(fetcher({ insecure: false }).fetch(server.url('/a')))).toBe('url');
  });

  test('a name that nobody has', async () => {
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    expect(await failure(fetcher({ resolve }).fetch('https://nowhere.example/'))).toBe('unresolved');
    expect(await failure(fetcher({ resolve: () => Promise.resolve([]) }).fetch('https://n.example/'))).toBe(
      'unresolved',
    );
  });

  test('an allow list of nonsense is an error', () => {
    for (const entry of ['10.0.0.0/40', 'a/b', 'http://x', '']) {
      expect(() => new AddressGate([entry])).toThrow(AllowListError);
    }
  });
});

describe('what it does not take', () => {
  test.each([
    ['a page', '<!DOCTYPE html><html></html>'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['a program', 'MZ\u0090\u0000'],
    ['another program', '\u007fELF'],
    ['a script', '#!/bin/sh\n'],
    ['an archive', 'PK\u0003\u0004'],
    ['nothing', ''],
  ])('%s, whatever it is called', async (_what, text) => {
    server.paths.set('/a.png', gives(Buffer.from(text, 'latin1'), { 'content-type': 'image/png' }));
    expect(await failure(fetcher().fetch(server.url('/a.png')))).toBe('type');
  });

  test('what is packed', async () => {
    server.paths.set('/a', gives(PNG, { 'content-encoding': 'gzip' }));
    expect(await failure(fetcher().fetch(server.url('/a')))).toBe('type');
  });

  test('an error', async () => {
    server.paths.set('/a', gives(PNG, {}, 500));
    expect(await failure(fetcher().fetch(server.url('/a')))).toBe('status');
  });

  test('more than the limit, announced or not, and without an end', async () => {
    server.paths.set('/announced', (_request, response) => {
      response.writeHead(200, { 'content-length': '99999999999' });
      response.write(PNG);
    });
    server.paths.set('/silent', gives(Buffer.alloc(MAX + 1, PNG)));
    let closed = false;
    server.paths.set('/endless', (_request, response) => {
      response.writeHead(200);
      response.write(PNG);
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(16_384), () => setImmediate(more));
      };
      response.on('close', () => (closed = true));
      more();
    });
    for (const path of ['/announced', '/silent', '/endless']) {
      expect(await failure(fetcher().fetch(server.url(path)))).toBe('too-large');
    }
    await eventually('the connection is closed', () => closed);
  });

  test('a body that is shorter than announced', async () => {
    server.paths.set('/a', (_request, response) => {
      response.writeHead(200, { 'content-length': String(PNG.length + 10) });
      response.write(PNG, () => response.destroy());
    });
    expect(await failure(fetcher().fetch(server.url('/a')))).toBe('broken');
  });

  test('an answer that comes drop by drop, or never', async () => {
    server.paths.set('/never', () => undefined);
    server.paths.set('/drops', (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const quick = fetcher({ totalMs: 200 });
    expect(await failure(quick.fetch(server.url('/never')))).toBe('timeout');
    expect(await failure(quick.fetch(server.url('/drops')))).toBe('timeout');
    const resolve = () => new Promise<never>(() => undefined);
    expect(await failure(fetcher({ totalMs: 200, resolve }).fetch('https://slow.example/'))).toBe('timeout');
  });

  test('10,000 links at once: a few are fetched at a time, some wait, the others are busy', async () => {
    let open = 0;
    let most = 0;
    server.paths.set('/a', (_request, response) => {
      most = Math.max(most, (open += 1));
      setImmediate(() => {
        open -= 1;
        response.end(PNG);
      });
    });
    const one = fetcher({ concurrent: 4, waiting: 20, totalMs: 10_000 });
    const links = Array.from({ length: 10_000 }, () =>
      one.fetch(server.url('/a')).then(
        () => 'fetched',
        (error: TransferError) => error.failure,
      ),
    );
    const outcomes = await Promise.all(links);
    expect(outcomes.filter((outcome) => outcome === 'fetched')).toHaveLength(24);
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(9_976);
    expect(most).toBeLessThanOrEqual(4);
    expect((await one.fetch(server.url('/a'))).type).toBe('image/png');
  });
});

describe('an upload', () => {
  const rules = (allow: readonly string[]) => ({
    gate: new AddressGate(allow),
    insecure: true,
    connectMs: 500,
    resolve: () => Promise.resolve(['127.0.0.1']),
  });
  const upload = (url: string) => ({
    url,
    headers: { Authorization: 'x' },
    type: 'image/png',
    octets: PNG,
    totalMs: 300,
  });

  test('arrives byte for byte with its headers', async () => {
    await putFile(upload(server.url('/put')), rules(['127.0.0.1']));
    const stored = server.stored.get('/put');
    expect(stored?.body.equals(PNG)).toBe(true);
    expect(stored?.headers).toMatchObject({ authorization: 'x', 'content-type': 'image/png' });
  });

  test('goes to no private address, follows no redirect, waits for nobody', async () => {
    server.paths.set('/moved', sendsTo('/put'));
    server.paths.set('/never', () => undefined);
    server.paths.set('/full', gives('', {}, 507));
    expect(await failure(putFile(upload(server.url('/put')), rules([])))).toBe('address');
    const open = rules(['127.0.0.1']);
    expect(await failure(putFile(upload(server.url('/moved')), open))).toBe('redirects');
    expect(await failure(putFile(upload(server.url('/never')), open))).toBe('timeout');
    expect(await failure(putFile(upload(server.url('/full')), open))).toBe('status');
  });
});

test('types by the first octets', () => {
  const of = (text: string) => sniff(Buffer.from(text, 'latin1'));
  expect(of('\xff\xd8\xff\xe0')).toBe('image/jpeg');
  expect(of('\0\0\0\x18ftyp3gp4')).toBe('video/3gpp');
  expect(of('\0\0\0\x18ftypisom')).toBe('video/mp4');
  expect(of('\0\0\0\x18ftypM4A ')).toBe('audio/mp4');
  expect(of('#!AMR\nxxx')).toBe('audio/amr');
  expect(of('RIFF\0\0\0\0WEBP')).toBe('image/webp');
});
