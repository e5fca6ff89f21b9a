// Pictures of users: StatusContent as avatar (XEP-0084, XEP-0153, vCard-temp), and pictures of contacts made small
// enough for a StatusContent.

import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { leaf } from '../../src/wv/element.ts';
import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { pictureType, statusPicture } from '../bridging/status-picture.ts';
import { NS } from './namespaces.ts';
import { childOf, elementsOf, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface Avatar {
  /** SHA-1 of the octets in hexadecimal digits: its id everywhere in XMPP. */
  readonly hash: string;
  readonly type: string;
  readonly base64: string;
  /** Octets. */
  readonly size: number;
}

/** Octets of a picture of ours that goes out, and of one that is looked at. */
const MAX_OURS = 65_536;
const MAX_THEIRS = 262_144;
/** What a phone gets: pixels of the longest edge that are tried, and octets (4 KiB of BASE64). */
const EDGES = [64, 48, 32] as const;
const MAX_OCTETS = 3_072;
const MAX_PIXELS = 16_000_000;
const TIMEOUT_SECONDS = 5;

function sha1(octets: Buffer): string {
  return createHash('sha1').update(octets).digest('hex');
}

/** BASE64 with line breaks, as vCards have it; undefined: none, empty, or larger than `limit` octets. */
function decode(text: string, limit: number): Buffer | undefined {
  if (text.length > limit * 1.4 + 4) return undefined;
  const octets = Buffer.from(text.replace(/\s+/g, ''), 'base64');
  return octets.length === 0 || octets.length > limit ? undefined : octets;
}

/** The picture inside a StatusContent. One that is only referred to is not fetched. */
export function avatarOf(content: PresenceAttribute | undefined): Avatar | undefined {
  const picture = statusPicture(content, MAX_OURS);
  if (picture === undefined) return undefined;
  const { octets, type } = picture;
  return { hash: sha1(octets), type, base64: octets.toString('base64'), size: octets.length };
}

/** Metadata of XEP-0084; empty: there is no picture (any more). */
export function metadataItem(avatar: Avatar | undefined): XmlElement {
  if (avatar === undefined) return xml(NS.avatarMetadata, 'metadata');
  const { hash, type, size } = avatar;
  return xml(
    NS.avatarMetadata,
    'metadata',
    {},
    xml(NS.avatarMetadata, 'info', { id: hash, type, bytes: String(size) }),
  );
}

export function dataItem(avatar: Avatar): XmlElement {
  return xml(NS.avatarData, 'data', {}, avatar.base64);
}

/** XEP-0153 for a presence. */
export function photoUpdate(avatar: Avatar | undefined): XmlElement {
  return xml(NS.vcardUpdate, 'x', {}, xml(NS.vcardUpdate, 'photo', {}, avatar?.hash));
}

export function vcardPhoto({ type, base64 }: Avatar): XmlElement {
  return xml(NS.vcard, 'PHOTO', {}, xml(NS.vcard, 'TYPE', {}, type), xml(NS.vcard, 'BINVAL', {}, base64));
}

const HASH = /^[0-9a-f]{40}$/;

function hashIn(text: string): string | undefined {
  const hash = text.trim().toLowerCase();
  return HASH.test(hash) ? hash : undefined;
}

/** The hash in a contact's presence: '' = no picture, undefined = nothing said (or nonsense). */
export function photoIn(presence: XmlElement): string | undefined {
  const update = childOf(presence, 'x', NS.vcardUpdate);
  const photo = update === undefined ? undefined : childOf(update, 'photo');
  if (photo === undefined) return undefined;
  return textOf(photo).trim() === '' ? '' : hashIn(textOf(photo));
}

/** The hash in XEP-0084 metadata, of a picture that is in the data node; '' = no picture. */
export function readMetadata(item: XmlElement): string {
  for (const info of elementsOf(item)) {
    const hash =
      info.name === 'info' && info.attrs['url'] === undefined ? hashIn(info.attrs['id'] ?? '') : undefined;
    if (hash !== undefined) return hash;
  }
  return '';
}

/**
 * A contact's picture as StatusContent: JPEG of at most 64 pixels and 4 KiB of BASE64. Undefined: not what its hash
 * says, not a picture, too large, or it cannot be made small.
 */
export async function pictureOf(hash: string, base64: string): Promise<PresenceAttribute | undefined> {
  const octets = decode(base64, MAX_THEIRS);
  if (octets === undefined || sha1(octets) !== hash || pictureType(octets) === undefined) return undefined;
  const small = await shrunk(octets).catch(() => undefined);
  if (small === undefined) return undefined;
  const fields = [leaf('DirectContent', small.toString('base64')), leaf('ContentType', 'image/jpeg')];
  return { valid: true, fields };
}

async function shrunk(octets: Buffer): Promise<Buffer | undefined> {
  for (const edge of EDGES) {
    const small = await sharp(octets, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 70 })
      .toBuffer();
    if (small.length <= MAX_OCTETS) return small;
  }
  return undefined;
}
