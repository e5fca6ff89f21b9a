// Storage by itself: the scanner, what is refused, and that nothing is left of it.

import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { ContentError } from '../../../src/services/content/errors.ts';
import { commandScanner, type Scanner } from '../../../src/services/content/scanner.ts';
import { contentScene, pieces } from '../../support/content-scene.ts';
import { user } from '../../support/store-samples.ts';

const ANN = user('ann');
let scene: Awaited<ReturnType<typeof contentScene>> | undefined;
afterEach(() => scene?.close());

async function open(scanner?: Scanner) {
  scene = await contentScene(scanner === undefined ? {} : { scanner });
  return scene;
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

const node = (script: string) => [process.execPath, '-e', script];

describe('the scanner', () => {
  const upload = { owner: ANN, name: 'a.bin', type: 'application/zip', source: pieces('PK', 'rest') };

  it('that finds nothing lets everything pass', async () => {
    const { content } = await open(commandScanner(node('process.exit(0)'), 10_000));
    await expect(content.storage.add(upload, content.area)).resolves.toMatchObject({ size: 6 });
  });

  it('is given the path, without a shell; what it finds is refused and deleted', async () => {
    const script = "console.log(process.argv.at(-1) + ': Eicar FOUND'); process.exit(1)";
    const { content, folder, store } = await open(commandScanner(node(script), 10_000));
    const source = pieces('PK; rm -rf $HOME');
    await expect(content.storage.add({ ...upload, source }, content.area)).rejects.toThrow(
      'refused by the scanner: Eicar FOUND',
    );
    expect(files(folder)).toEqual([]);
    expect(await store.contentUsage(ANN)).toEqual({ items: 0, bytes: 0 });
  });

  it.each([
    ['fails', commandScanner(node('process.exit(2)'), 10_000)],
    ['hangs', commandScanner(node('setInterval(() => {}, 1000)'), 300)],
    ['is not there', commandScanner(['/nowhere/scanner'], 10_000)],
  ])('that %s lets nothing pass', async (_what, scanner) => {
    const { content, folder } = await open(scanner);
    const refusal = content.storage.add({ ...upload, source: pieces('x') }, content.area);
    await expect(refusal).rejects.toMatchObject({ refusal: 'scanner' });
    expect(files(folder)).toEqual([]);
  });
});

describe('uploads', () => {
  it('a source that fails leaves nothing', async () => {
    const { content, folder } = await open();
    async function* broken() {
      yield* pieces('some');
      throw new ContentError('cut-off', 'gone');
    }
    const upload = { owner: ANN, name: 'a', type: 'a/b', source: broken() };
    await expect(content.storage.add(upload, content.area)).rejects.toMatchObject({ refusal: 'cut-off' });
    expect(files(folder)).toEqual([]);
  });

  it('no more than four of one owner at once', async () => {
    const { content } = await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow() {
      await promise;
      yield* pieces('x');
    }
    const add = (name: string) =>
      content.storage.add({ owner: ANN, name, type: 'a/b', source: slow() }, content.area);
    const four = ['a', 'b', 'c', 'd'].map(add);
    await expect(add('e')).rejects.toMatchObject({ refusal: 'busy' });
    resolve();
    await Promise.all(four);
    await expect(add('e')).resolves.toMatchObject({ name: 'e' });
  });

  it('the scanner being slow does not let two uploads share one name', async () => {
    const { content, store, folder } = await open();
    const add = () =>
      content.storage.add({ owner: ANN, name: 'a', type: 'a/b', source: pieces('x') }, content.area);
    const outcomes = await Promise.allSettled([add(), add()]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await store.contentUsage(ANN)).toEqual({ items: 1, bytes: 1 });
    expect(files(folder)).toHaveLength(1);
  });
});
