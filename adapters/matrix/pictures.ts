// What Matrix clients want to know of a picture before they load it: its size, and a small copy of a large one.

import sharp from 'sharp';

export interface PictureFacts {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** JPEG; undefined: the picture is small enough itself. */
  readonly thumbnail: Thumbnail | undefined;
}

export interface Thumbnail {
  readonly octets: Buffer;
  readonly width: number;
  readonly height: number;
}

/** The formats that are decoded: told by the first octets, not by what somebody calls them. */
const DECODED: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
/** Edges of a thumbnail, pixels, as clients ask for them; and the octets below which a picture needs none. */
const THUMBNAIL = { width: 800, height: 600 } as const;
const SMALL_BYTES = 65_536;
const MAX_PIXELS = 40_000_000;
const TIMEOUT_SECONDS = 5;

/**
 * Undefined: no picture that can be read.
 * @param type as `sniff` found it
 */
export async function pictureFacts(octets: Buffer, type: string): Promise<PictureFacts | undefined> {
  if (!DECODED.has(type)) return undefined;
  try {
    const { width, height, autoOrient } = await sharp(octets, { limitInputPixels: MAX_PIXELS }).metadata();
    const shown = autoOrient ?? { width, height };
    const isLarge = shown.width > THUMBNAIL.width || shown.height > THUMBNAIL.height;
    const thumbnail = isLarge || octets.length > SMALL_BYTES ? await thumbnailOf(octets) : undefined;
    return { width: shown.width, height: shown.height, thumbnail };
  } catch {
    // Broken, or larger than is worth it: it goes out as it is, without facts.
    return undefined;
  }
}

async function thumbnailOf(octets: Buffer): Promise<Thumbnail> {
  const { data, info } = await sharp(octets, { limitInputPixels: MAX_PIXELS, pages: 1 })
    .timeout({ seconds: TIMEOUT_SECONDS })
    .autoOrient()
    .resize({ ...THUMBNAIL, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 75 })
    .toBuffer({ resolveWithObject: true });
  return { octets: data, width: info.width, height: info.height };
}
