// Test support: pictures, made when they are needed.

import { randomBytes } from 'node:crypto';
import sharp from 'sharp';

/** A JPEG of noise, which hardly compresses: 3000 × 2000 of it has about 4 MB. */
export function noisyJpeg(width = 2900, height = 2150, quality = 80): Promise<Buffer> {
  return sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

/** One colour, any format, any size. */
export function plainPicture(
  format: 'jpeg' | 'png' | 'gif' | 'webp',
  width = 40,
  height = 30,
  background = '#3366cc',
): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .toFormat(format)
    .toBuffer();
}
