// Storage areas and links over HTTP.

import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, basic, type HttpQuestion, type ShownItem } from '../../support/content-http.ts';
import { eventually } from '../../support/eventually.ts';
import { startScene, type Scene } from '../../support/phone-scene.ts';
import { plainPicture } from '../../support/pictures.ts';

const QUOTA = 100_000;
const ITEM = 60_000;
const DAY = 86_400_000;

let scene: Scene;
let port = 0;

beforeAll(async () => {
  scene = await startScene({
    config: {
      listen: { csp: { port: 0 }, ops: { port: 0 }, web: { port: 0 } },
      content: {
        publicUrl: 'https://im.example.org/',
        quota: QUOTA,
        maxItem: ITEM,
        maxItems: 5,
        maxLinks: 3,
        linkDays: 2,
        types: ['image/*', 'text/plain', 'text/html', 'audio/*'],
      },
    },
  });
  port = scene.house.house.addresses.web?.port ?? 0;
});
afterAll(() => scene.stop());

class Person {
  readonly address: string;
  readonly #headers: Record<string, string>;

  constructor(address: string, password = 'sesame') {
    this.address = address;
    this.#headers = basic(address, password);
  }

  ask(path: string, question: HttpQuestion = {}) {
    const headers = { ...this.#headers, ...question.headers };
    return ask(port, `/content${path}`, { ...question, headers });
  }

  upload(name: string, body: string | Uint8Array, type = 'text/plain') {
    const path = `/items?name=${encodeURIComponent(name)}`;
    return this.ask(path, { method: 'POST', headers: { 'Content-Type': type }, body });
  }

  async put(name: string, body: string | Uint8Array, type = 'text/plain'): Promise<ShownItem> {
    const answer = await this.upload(name, body, type);
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.json<ShownItem>();
  }

  send(path: string, method: string, body: unknown) {
    return this.ask(path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async list() {
    const answer = await this.ask('/items');
    return answer.json<{ usage: { items: number; bytes: number; quota: number }; items: ShownItem[] }>();
  }

  async names(): Promise<string[]> {
    return (await this.list()).items.map(({ name }) => name);
  }

  /** A link to an item: its path at this server. */
  async link(item: ShownItem, more: object = {}): Promise<{ path: string; token: string; expires: string }> {
    const answer = await this.send(`/items/${item.id}/links`, 'POST', more);
    const { url, token, expires } = answer.json<{ url: string; token: string; expires: string }>();
    return { path: url.replace('https://im.example.org', ''), token, expires };
  }
}

const somebody = async () => new Person(await scene.person('ann'));
const filesOnDisk = () => {
  const folder = join(scene.house.folder, 'content');
  return readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
};

describe('an area', () => {
  it('401 without the right password, for everything', async () => {
    const ann = await somebody();
    expect((await ask(port, '/content/items')).status).toBe(401);
    expect((await new Person(ann.address, 'wrong').ask('/items')).status).toBe(401);
    expect((await ask(port, '/content/upload/x', { method: 'PUT', body: 'x' })).status).toBe(401);
  });

  it('upload, list, fetch, rename, delete', async () => {
    const ann = await somebody();
    const item = await ann.put('notes.txt', 'hello');
    expect(item).toMatchObject({ name: 'notes.txt', type: 'text/plain', size: 5 });
    expect(await ann.list()).toMatchObject({ usage: { items: 1, bytes: 5, quota: QUOTA }, items: [item] });
    expect((await ann.ask(`/items/${item.id}`)).text).toBe('hello');
    const renamed = await ann.send(`/items/${item.id}`, 'PATCH', { name: 'other.txt' });
    expect(renamed.json<ShownItem>().name).toBe('other.txt');
    expect(await ann.names()).toEqual(['other.txt']);
    expect((await ann.ask(`/items/${item.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await ann.list()).toMatchObject({ usage: { items: 0, bytes: 0 }, items: [] });
    expect(filesOnDisk()).not.toContain(item.id);
    expect((await ann.ask(`/items/${item.id}`)).status).toBe(404);
  });

  it('PUT replaces what has the name; POST does not (409), nor does a new name', async () => {
    const ann = await somebody();
    const put = (body: string) =>
      ann.ask('/upload/a.txt', { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body });
    const first = (await put('one')).json<ShownItem>();
    const second = (await put('second')).json<ShownItem>();
    expect((await ann.list()).items).toEqual([second]);
    expect(filesOnDisk()).not.toContain(first.id);
    expect((await ann.upload('a.txt', 'three')).status).toBe(409);
    const other = await ann.put('b.txt', 'x');
    expect((await ann.send(`/items/${other.id}`, 'PATCH', { name: 'a.txt' })).status).toBe(409);
    expect(await ann.names()).toEqual(['a.txt', 'b.txt']);
  });

  it('belongs to one user: others get 404 for what is in it', async () => {
    const [ann, bea] = [await somebody(), await somebody()];
    const item = await ann.put('mine.txt', 'x');
    for (const method of ['GET', 'DELETE'])
      expect((await bea.ask(`/items/${item.id}`, { method })).status).toBe(404);
    expect((await bea.send(`/items/${item.id}`, 'PATCH', { name: 'x' })).status).toBe(404);
    expect((await bea.send(`/items/${item.id}/links`, 'POST', {})).status).toBe(404);
    expect(await ann.names()).toEqual(['mine.txt']);
  });

  it('groups have none while nobody serves groups: 404', async () => {
    const ann = await somebody();
    const group = encodeURIComponent('wv:ann/club@wv.test');
    expect((await ann.ask(`/groups/${group}/items`)).status).toBe(404);
    expect((await ann.ask(`/groups/nonsense/items`)).status).toBe(404);
  });

  it('400 for bodies that make no sense', async () => {
    const ann = await somebody();
    const item = await ann.put('a.txt', 'x');
    for (const body of [{}, { name: 7 }, { name: 'x', more: 1 }])
      expect((await ann.send(`/items/${item.id}`, 'PATCH', body)).status).toBe(400);
    expect((await ann.send(`/items/${item.id}/links`, 'POST', { days: -1 })).status).toBe(400);
    expect((await ann.ask('/items?limit=many')).status).toBe(400);
    expect((await ann.ask('/items', { method: 'POST', body: 'x' })).status).toBe(400);
  });
});

describe('names', () => {
  it.each([
    'déjà vu.txt',
    'имя файла.txt',
    '日本.txt',
    'a "quoted" 100%.txt',
    '😀',
    '.hidden',
    'a;b=c',
    '..x',
  ])('%s comes back as it was', async (name) => {
    const ann = await somebody();
    const item = await ann.put(name, 'x');
    expect(item.name).toBe(name.normalize('NFC'));
    const { path } = await ann.link(item);
    const answer = await ask(port, path);
    expect(answer.text).toBe('x');
    const [, encoded = ''] =
      /filename\*=UTF-8''(\S+)$/.exec(answer.headers['content-disposition'] ?? '') ?? [];
    expect(decodeURIComponent(encoded)).toBe(name.normalize('NFC'));
  });

  it.each([
    '',
    ' ',
    '.',
    '..',
    '../up',
    'a/b',
    'a\\b',
    'a\0b',
    'line\nbreak',
    'x'.repeat(256),
    'evil\u202etxt.exe',
  ])('400 for %j', async (name) => {
    const ann = await somebody();
    expect((await ann.upload(name, 'x')).status).toBe(400);
    expect(await ann.names()).toEqual([]);
  });

  it.each([
    '/upload/..%2f..%2fetc',
    '/upload/%ff',
    '/items/..%2f..%2fwvgate.sqlite',
    '/items/%2e%2e',
    '/items/..',
  ])('no way out of the folder: %s', async (path) => {
    const ann = await somebody();
    const method = path.startsWith('/upload') ? 'PUT' : 'GET';
    const headers = { 'Content-Type': 'text/plain' };
    const { status } = await ann.ask(path, { method, headers, ...(method === 'PUT' ? { body: 'x' } : {}) });
    expect([400, 404]).toContain(status);
  });
});

describe('limits', () => {
  it('413 for an item that is too large, said or not', async () => {
    const ann = await somebody();
    const body = Buffer.alloc(ITEM + 1);
    expect((await ann.upload('large.txt', body)).status).toBe(413);
    const chunked = await ann.ask('/upload/large.txt', {
      method: 'PUT',
      headers: { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' },
      body,
    });
    expect(chunked.status).toBe(413);
    expect(await ann.list()).toMatchObject({ usage: { items: 0, bytes: 0 } });
    expect((await ann.upload('fits.txt', Buffer.alloc(ITEM))).status).toBe(201);
  });

  it('507 beyond the quota, in octets and in items; uploads at the same time count', async () => {
    const ann = await somebody();
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => ann.upload(name, Buffer.alloc(45_000))));
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '201', '507']);
    const bea = await somebody();
    for (let n = 0; n < 5; n++) await bea.put(`${n}`, 'x');
    expect((await bea.upload('6', 'x')).status).toBe(507);
    const replaced = await bea.ask('/upload/4', {
      method: 'PUT',
      headers: { 'Content-Type': 'text/plain' },
      body: 'again',
    });
    expect(replaced.status).toBe(201);
  });

  it('415 for types that are not stored, and for pictures that are none', async () => {
    const ann = await somebody();
    expect((await ann.upload('x.exe', 'MZ', 'application/x-msdownload')).status).toBe(415);
    expect((await ann.upload('x', 'x', 'nonsense')).status).toBe(415);
    expect((await ann.upload('x.jpg', '<script>', 'image/jpeg')).status).toBe(415);
    expect((await ann.upload('x.svg', '<svg/>', 'image/svg+xml')).status).toBe(415);
    expect(await ann.names()).toEqual([]);
  });

  it('a picture is what its octets say', async () => {
    const ann = await somebody();
    const item = await ann.put('x.jpg', await plainPicture('png'), 'image/jpeg');
    expect(item.type).toBe('image/png');
  });

  it('431 for a huge header, and the server goes on', async () => {
    const ann = await somebody();
    const answer = await ann.ask('/items', { headers: { 'X-Large': 'x'.repeat(100_000) } });
    expect(answer.status).toBe(431);
    expect((await ann.ask('/items')).status).toBe(200);
  });

  it('an upload that is cut off leaves nothing', async () => {
    const ann = await somebody();
    const before = filesOnDisk();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const { Authorization } = basic(ann.address, 'sesame');
    socket.write(
      `PUT /content/upload/cut.txt HTTP/1.1\r\nHost: x\r\nAuthorization: ${Authorization}\r\n` +
        `Content-Type: text/plain\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(20_000)}`,
    );
    await eventually('the upload begins', () => filesOnDisk().length > before.length);
    socket.destroy();
    await eventually('what came of it goes', () => filesOnDisk().length === before.length);
    expect(await ann.list()).toMatchObject({ usage: { items: 0, bytes: 0 }, items: [] });
  });
});

describe('a link', () => {
  it('gives the item to anybody, HEAD too, with what keeps browsers from acting on it', async () => {
    const ann = await somebody();
    const item = await ann.put('page.html', '<script>alert(1)</script>', 'text/html; charset=utf-8');
    const { path, token } = await ann.link(item, { audience: 'bea' });
    expect(token).toMatch(/^[\w-]{24}$/);
    const { status, headers, text } = await ask(port, path);
    expect({ status, text }).toEqual({ status: 200, text: '<script>alert(1)</script>' });
    expect(headers['content-disposition']).toMatch(/^attachment; filename="page.html"/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain('sandbox');
    expect(headers['content-type']).toMatch(/^text\/html/);
    const head = await ask(port, path, { method: 'HEAD' });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '25']);
    expect((await ask(port, `/c/${token}`)).text).toBe(text);
  });

  it('pictures, sounds and plain text are shown', async () => {
    const ann = await somebody();
    const picture = await ann.put('a.png', await plainPicture('png'), 'image/png');
    const { headers } = await ask(port, (await ann.link(picture)).path);
    expect(headers['content-disposition']).toMatch(/^inline/);
    expect(headers['content-type']).toBe('image/png');
  });

  it('ranges: 206 with the part, 416 outside; the whole when the tag changed', async () => {
    const ann = await somebody();
    const item = await ann.put('a.txt', '0123456789');
    const { path } = await ann.link(item);
    const range = (headers: Record<string, string>) => ask(port, path, { headers });
    const part = await range({ Range: 'bytes=2-4' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/10']);
    expect((await range({ Range: 'bytes=-3' })).text).toBe('789');
    expect((await range({ Range: 'bytes=7-' })).text).toBe('789');
    const outside = await range({ Range: 'bytes=10-' });
    expect([outside.status, outside.headers['content-range']]).toEqual([416, 'bytes */10']);
    expect(outside.headers['content-disposition']).toBeUndefined();
    expect((await range({ Range: 'lines=1-2' })).status).toBe(200);
    const tag = part.headers.etag ?? '';
    expect((await range({ Range: 'bytes=0-0', 'If-Range': tag })).status).toBe(206);
    expect((await range({ Range: 'bytes=0-0', 'If-Range': '"old"' })).text).toBe('0123456789');
  });

  it('304 for who has it', async () => {
    const ann = await somebody();
    const item = await ann.put('a.txt', 'x');
    const { path } = await ann.link(item);
    const { headers } = await ask(port, path);
    expect(headers.etag).toBe(`"${item.sha256}"`);
    const again = await ask(port, path, { headers: { 'If-None-Match': headers.etag ?? '' } });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('404 for unknown, revoked, expired and deleted alike', async () => {
    const ann = await somebody();
    const item = await ann.put('a.txt', 'x');
    const [revoked, expired, deleted] = [
      await ann.link(item),
      await ann.link(item, { days: 1 }),
      await ann.link(item),
    ];
    expect((await ann.send(`/items/${item.id}/links`, 'POST', {})).status).toBe(507);
    const listed = (await ann.ask(`/items/${item.id}/links`)).json<{ links: { token: string }[] }>();
    expect(listed.links.map(({ token }) => token).toSorted()).toEqual(
      [revoked, expired, deleted].map(({ token }) => token).toSorted(),
    );
    const path = `/items/${item.id}/links/${revoked.token}`;
    expect((await ann.ask(path, { method: 'DELETE' })).status).toBe(204);
    expect((await ann.ask(path, { method: 'DELETE' })).status).toBe(404);
    scene.clock.advance(DAY);
    expect((await ask(port, deleted.path)).status).toBe(200);
    await ann.ask(`/items/${item.id}`, { method: 'DELETE' });
    const answers = [];
    for (const gone of [revoked.path, expired.path, deleted.path, '/c/AAAAAAAAAAAAAAAAAAAAAAAA/a.txt'])
      answers.push(await ask(port, gone));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
  });

  it('lives no longer than the operator lets it', async () => {
    const ann = await somebody();
    const { expires } = await ann.link(await ann.put('a.txt', 'x'), { days: 300 });
    expect(Date.parse(expires)).toBe(scene.clock.now() + 2 * DAY);
  });
});

it('over a restart everything is there, and left-overs of a crash are not', async () => {
  const ann = await somebody();
  const item = await ann.put('a.txt', 'kept');
  const lost = await ann.put('b.txt', 'lost');
  const { path } = await ann.link(item);
  const folder = join(scene.house.folder, 'content');
  await scene.house.house.stop();
  writeFileSync(join(folder, item.id.slice(0, 2), `${item.id.slice(0, 2)}stranger`), 'x');
  writeFileSync(join(folder, 'incoming', 'half'), 'x');
  rmSync(join(folder, lost.id.slice(0, 2), lost.id));
  await scene.restart();
  port = scene.house.house.addresses.web?.port ?? 0;
  expect((await ask(port, path)).text).toBe('kept');
  expect(await ann.names()).toEqual(['a.txt']);
  expect(filesOnDisk().filter((name) => name.endsWith('stranger') || name === 'half')).toEqual([]);
  expect(existsSync(join(folder, item.id.slice(0, 2), item.id))).toBe(true);
});
