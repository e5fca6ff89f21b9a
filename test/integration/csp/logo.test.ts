// The picture of the provider in GetSPInfo (csp-transactions 1.8).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { child } from '../../../src/wv/element.ts';
import { VERSIONS } from '../../support/csp-variants.ts';
import { startTestHouse } from '../../support/house.ts';
import { startScene, type Scene } from '../../support/phone-scene.ts';

const PICTURE = Buffer.from('GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00;', 'latin1');

let folder: string;
let scene: Scene;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wvgate-logo-'));
  writeFileSync(join(folder, 'logo.gif'), PICTURE);
  writeFileSync(join(folder, 'logo.txt'), 'no picture');
  const provider = { name: 'Example IM', logo: join(folder, 'logo.gif'), url: 'http://im.example/' };
  scene = await startScene({ config: { provider } });
});
afterAll(async () => {
  await scene.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the logo', () => {
  it.each(VERSIONS)('comes in GetSPInfo-Response, CSP %s (%s)', async (_version, _encoding, habits) => {
    const { content } = await scene.phone(habits).say('<GetSPInfo-Request/>');
    expect(content?.children.map(({ name }) => name)).toEqual(['Name', 'Logo', 'URL']);
    expect(child(content, 'Logo')?.children.map(({ name, text }) => [name, text])).toEqual([
      ['ContentType', 'image/gif'],
      ['ContentSize', String(PICTURE.length)],
      ['ContentEncoding', 'BASE64'],
      ['ContentData', PICTURE.toString('base64')],
    ]);
  });

  it('that is no picture keeps the server from starting, with the key in the error', async () => {
    const provider = { logo: join(folder, 'logo.txt') };
    await expect(startTestHouse({ config: { provider } })).rejects.toThrow(/provider\.logo: .*logo\.txt/);
  });
});
