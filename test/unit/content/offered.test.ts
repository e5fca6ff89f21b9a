// Links to content for other networks (RelayPort.fileLink).

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { contentScene } from '../../support/content-scene.ts';

const DAY_MS = 86_400_000;
const CONTENT = {
  contentType: 'image/png',
  encoding: 'base64',
  data: Buffer.from('picture').toString('base64'),
} as const;

type Scene = Awaited<ReturnType<typeof contentScene>>;
let scene: Scene;

afterEach(() => scene.close());

const offer = (
  validity = DAY_MS,
  content: Parameters<Scene['content']['attachments']['offered']>[0] = CONTENT,
) => scene.content.attachments.offered(content, scene.clock.now() + validity);

describe('a link for another network', () => {
  it('leads to the octets, and is the same when it is asked for again', async () => {
    scene = await contentScene();
    const url = await offer();
    expect(await offer()).toBe(url);
    const [, token = ''] = /^https:\/\/im\.example\.org\/c\/([^/]+)\//.exec(url ?? '') ?? [];
    const item = await scene.content.links.resolve(token);
    expect(item?.type).toBe('image/png');
    expect(await readFile(scene.content.files.pathOf(item?.id ?? ''), 'utf8')).toBe('picture');
  });

  it('is another one for other content', async () => {
    scene = await contentScene();
    const other = { ...CONTENT, data: Buffer.from('other').toString('base64') };
    expect(await offer(DAY_MS, other)).not.toBe(await offer());
  });

  it('is none where no links can be made', async () => {
    scene = await contentScene({ settings: { publicUrl: undefined } });
    expect(await offer()).toBeUndefined();
  });

  it('is none when the content cannot be kept', async () => {
    scene = await contentScene({ settings: { attachments: { inline: 1, maxBytes: 3, quota: 1_000 } } });
    expect(await offer()).toBeUndefined();
  });
});
