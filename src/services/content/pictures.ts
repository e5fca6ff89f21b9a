// Pictures made to fit: scaled down and encoded again until they have a type and a size that a client takes. What
// comes in is not trusted: few formats, a limit of pixels, a limit of time.

import sharp, { type Sharp } from 'sharp';
import { isAccepted } from './content-types.ts';
import { encodeWbmp } from './wbmp.ts';

/** What a client takes. */
export interface PictureWish {
  /** MIME types and patterns; absent = any. */
  readonly types?: readonly string[];
  /** Octets. */
  readonly maxBytes: number;
}

export interface Picture {
  readonly type: string;
  readonly octets: Buffer;
}

/** Why there is no picture: the source is none (any more), is too big to be opened, or nothing small enough came out. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
}

// Formats that phones and chat programs send; SVG, PDF and the like open files and run long.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadNsgif', 'VipsForeignLoadWebp'],
});
// Two pictures at once (renditions.ts), each on one thread; nothing is kept, for no two are alike.
sharp.concurrency(1);
sharp.cache(false);

/** Of the source. A picture of a phone has 12 to 50 million; unpacked, that is 200 MB at most. */
export const MAX_PIXELS = 50_000_000;
const TIMEOUT_SECONDS = 15;
/** Longest edges that are tried, pixels: screens of phones and their fractions. */
const EDGES = [1280, 1024, 800, 640, 480, 320, 240, 176, 128, 96, 64, 48, 32] as const;
const LARGEST = EDGES[0];
/** The first try of a large picture. */
const PROBE_EDGE = 240;
/** How far beyond a guess tries begin. */
const MARGIN = 1.4;

/** The source decoded, turned upright, on white, not larger than LARGEST: from it every try is made. */
interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

type Encoder = (picture: Sharp) => Promise<Buffer>;

/** From good to bad; the next is tried where the one before was too large. */
const ENCODERS: readonly (readonly [type: string, levels: readonly Encoder[]])[] = [
  ['image/jpeg', [80, 65, 50].map((quality) => (picture) => picture.jpeg({ quality }).toBuffer())],
  [
    'image/png',
    [256, 64, 16].map(
      (colours) => (picture) =>
        picture.png({ palette: true, colours, compressionLevel: 9, effort: 3 }).toBuffer(),
    ),
  ],
  ['image/gif', [256, 64, 16].map((colours) => (picture) => picture.gif({ colours, effort: 3 }).toBuffer())],
  ['image/webp', [80, 60].map((quality) => (picture) => picture.webp({ quality }).toBuffer())],
  ['image/vnd.wap.wbmp', [wbmp]],
];

async function wbmp(picture: Sharp): Promise<Buffer> {
  const { data, info } = await picture.greyscale().raw().toBuffer({ resolveWithObject: true });
  return encodeWbmp(data, info.width, info.height);
}

/**
 * The best picture of an accepted type within so many octets; never larger in pixels than the source, without its
 * metadata (EXIF tells places). JPEG where it is taken, for most are photographs.
 * @throws PictureError
 */
export async function fitPicture(source: string | Uint8Array, wish: PictureWish): Promise<Picture> {
  const encoder = ENCODERS.find(([type]) => isAccepted(wish.types, type));
  if (encoder === undefined) throw new PictureError('no picture format that is accepted can be written');
  const [type, levels] = encoder;
  const pixels = await decoded(source);
  const octets = await smallEnough(pixels, levels, wish.maxBytes);
  if (octets === undefined) throw new PictureError(`cannot be made smaller than ${wish.maxBytes} bytes`);
  return { type, octets };
}

async function decoded(source: string | Uint8Array): Promise<Pixels> {
  try {
    const { data, info } = await sharp(source, {
      limitInputPixels: MAX_PIXELS,
      sequentialRead: true,
      failOn: 'error',
    })
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .resize({ width: LARGEST, height: LARGEST, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (error) {
    throw new PictureError('the picture cannot be opened', { cause: error });
  }
}

async function smallEnough(
  pixels: Pixels,
  levels: readonly Encoder[],
  maxBytes: number,
): Promise<Buffer | undefined> {
  const longest = Math.max(pixels.width, pixels.height);
  let hopeless = await reach(pixels, levels, maxBytes);
  for (const edge of [longest, ...EDGES.filter((each) => each < longest)]) {
    if (edge > hopeless) continue;
    let size = 0;
    for (const encode of levels) {
      const octets = await encode(scaled(pixels, edge));
      if (octets.length <= maxBytes) return octets;
      size = octets.length;
    }
    hopeless = Math.min(hopeless, edge * Math.sqrt(maxBytes / size) * MARGIN);
  }
  return undefined;
}

/**
 * The longest edge that may lead to so many octets, guessed from a small try with the strongest compression: large
 * tries cost most, those with a palette a second each. The size goes with the area, roughly.
 */
async function reach(pixels: Pixels, levels: readonly Encoder[], maxBytes: number): Promise<number> {
  const longest = Math.max(pixels.width, pixels.height);
  const edge = Math.min(longest, PROBE_EDGE);
  const probe = await levels.at(-1)?.(scaled(pixels, edge));
  const size = probe?.length ?? 0;
  return size <= maxBytes && edge === longest ? longest : edge * Math.sqrt(maxBytes / size) * MARGIN;
}

function scaled({ data, width, height }: Pixels, edge: number): Sharp {
  const channels = data.length / (width * height) === 1 ? 1 : 3;
  return sharp(data, { raw: { width, height, channels } })
    .timeout({ seconds: TIMEOUT_SECONDS })
    .resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true });
}
