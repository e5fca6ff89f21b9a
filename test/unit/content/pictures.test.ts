// Pictures made to fit a phone.

import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fitPicture, PictureError } from '../../../src/services/content/pictures.ts';
import { noisyJpeg, plainPicture } from '../../support/pictures.ts';

const sizeOf = async (octets: Buffer) => {
  const { width, height, format } = await sharp(octets).metadata();
  return { width, height, format };
};

const photograph = await noisyJpeg();
const PNG = await plainPicture('png');

describe('a photograph of 4 MB', () => {
  it('becomes a JPEG of at most 10,000 bytes', async () => {
    expect(photograph.length).toBeGreaterThan(3_800_000);
    const picture = await fitPicture(photograph, { maxBytes: 10_000 });
    expect(picture.type).toBe('image/jpeg');
    expect(picture.octets.length).toBeLessThanOrEqual(10_000);
    expect(picture.octets.length).toBeGreaterThan(3_000);
    const { width, height } = await sharp(picture.octets)
      .raw()
      .toBuffer({ resolveWithObject: true })
      .then(({ info }) => info);
    expect(width / height).toBeCloseTo(2900 / 2150, 1);
  });

  it.each([
    [['image/gif'], 'image/gif', 'gif'],
    [['image/png', 'text/plain'], 'image/png', 'png'],
    [['image/gif', 'image/jpg'], 'image/jpeg', 'jpeg'],
    [['image/*'], 'image/jpeg', 'jpeg'],
  ])('becomes what %j lists', async (types, type, format) => {
    const picture = await fitPicture(photograph, { types, maxBytes: 8_000 });
    expect(picture.type).toBe(type);
    expect(picture.octets.length).toBeLessThanOrEqual(8_000);
    expect(await sizeOf(picture.octets)).toMatchObject({ format });
  });

  it('becomes a WBMP for the first phones', async () => {
    const picture = await fitPicture(photograph, { types: ['image/vnd.wap.wbmp'], maxBytes: 1_000 });
    expect(picture.octets.length).toBeLessThanOrEqual(1_000);
    expect([...picture.octets.subarray(0, 2)]).toEqual([0, 0]);
  });

  it('cannot become anything in a size that no picture has, or in a type that none is', async () => {
    await expect(fitPicture(photograph, { maxBytes: 100 })).rejects.toThrow(PictureError);
    await expect(fitPicture(photograph, { types: ['audio/amr'], maxBytes: 9_000 })).rejects.toThrow(
      PictureError,
    );
  });
});

it('nothing gets larger than it was', async () => {
  const picture = await fitPicture(await plainPicture('png'), { maxBytes: 100_000 });
  expect(await sizeOf(picture.octets)).toEqual({ width: 40, height: 30, format: 'jpeg' });
});

it('is turned upright and loses what the camera noted', async () => {
  const turned = await sharp(await plainPicture('jpeg'))
    .withMetadata({ orientation: 6, exif: { IFD0: { Copyright: 'somebody', Artist: 'me' } } })
    .jpeg()
    .toBuffer();
  const picture = await fitPicture(turned, { maxBytes: 100_000 });
  const { width, height, exif, orientation } = await sharp(picture.octets).metadata();
  expect({ width, height, exif, orientation }).toEqual({ width: 30, height: 40 });
});

it('grey and transparent pictures fit too', async () => {
  const transparent = await sharp({
    create: { width: 50, height: 50, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  })
    .png()
    .toBuffer();
  const { octets } = await fitPicture(transparent, { maxBytes: 5_000 });
  expect([...(await sharp(octets).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255]);
  const grey = await sharp(await plainPicture('jpeg'))
    .greyscale()
    .jpeg()
    .toBuffer();
  expect((await fitPicture(grey, { types: ['image/gif'], maxBytes: 5_000 })).type).toBe('image/gif');
});

describe('refused', () => {
  it.each([
    ['text', Buffer.from('not a picture')],
    ['nothing', Buffer.alloc(0)],
    [
      'SVG, which may open files',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['a picture that is cut off at once', PNG.subarray(0, 40)],
    ['a bomb: a small file of very many pixels', bomb(30_000, 30_000)],
  ])('%s', async (_what, source) => {
    await expect(fitPicture(source, { maxBytes: 10_000 })).rejects.toThrow(PictureError);
  });
});

/** A PNG header that promises so many pixels. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, body, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const magic = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    magic,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(9_000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
