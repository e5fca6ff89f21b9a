// Pictures that were made to fit are kept in a folder of bounded size, since the clients of one kind ask for the same.
// It is a cache: what is in it can be made again, and each start begins with an empty one.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Metrics } from '../../ops/ports.ts';
import { fitPicture, PictureError, type Picture, type PictureWish } from './pictures.ts';

/** Pictures worked on at once: each takes a processor and tens of megabytes. */
const AT_ONCE = 2;
/** Pictures that wait for their turn; beyond, callers do without. */
const MAX_WAITING = 200;
/** Failures remembered, so that a picture that cannot be opened is not tried with every poll. */
const MAX_FAILED = 1_000;

export class Renditions {
  private readonly folder: string;
  private readonly maxBytes: number;
  private readonly log: Log;
  private readonly metrics: Metrics;
  /** Size by key, the one used longest ago first. */
  private readonly kept = new Map<string, { readonly type: string; readonly size: number }>();
  private readonly underWay = new Map<string, Promise<Picture | undefined>>();
  private readonly failed = new Set<string>();
  private readonly waiting: (() => void)[] = [];
  private bytes = 0;
  private working = 0;

  /** `maxBytes`: octets of the cache on disk. */
  constructor(deps: { folder: string; maxBytes: number; log: Log; metrics: Metrics }) {
    this.folder = deps.folder;
    this.maxBytes = deps.maxBytes;
    this.log = deps.log;
    this.metrics = deps.metrics;
  }

  async start(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** The picture as wished; undefined = it cannot be had. `identity` stands for the octets of the source. */
  picture(source: string | Uint8Array, identity: string, wish: PictureWish): Promise<Picture | undefined> {
    const key = keyOf(identity, wish);
    const known = this.underWay.get(key);
    if (known !== undefined) return known;
    if (this.failed.has(key)) return Promise.resolve(undefined);
    const made = this.find(key, source, wish).finally(() => this.underWay.delete(key));
    this.underWay.set(key, made);
    return made;
  }

  private async find(
    key: string,
    source: string | Uint8Array,
    wish: PictureWish,
  ): Promise<Picture | undefined> {
    const cached = await this.cached(key);
    if (cached !== undefined) return cached;
    if (this.waiting.length >= MAX_WAITING) {
      this.metrics.count('content_pictures_total', { outcome: 'busy' });
      return undefined;
    }
    if (this.working >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.working++;
    try {
      return await this.make(key, source, wish);
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.working--;
      else next();
    }
  }

  private async make(
    key: string,
    source: string | Uint8Array,
    wish: PictureWish,
  ): Promise<Picture | undefined> {
    const begun = performance.now();
    try {
      const picture = await fitPicture(source, wish);
      this.metrics.count('content_pictures_total', { outcome: 'made' });
      this.metrics.observe('content_picture_seconds', (performance.now() - begun) / 1000);
      await this.keep(key, picture);
      return picture;
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      this.metrics.count('content_pictures_total', { outcome: 'failed' });
      this.log.info({ reason: error.message, maxBytes: wish.maxBytes }, 'picture not adapted');
      this.failed.add(key);
      if (this.failed.size > MAX_FAILED) this.failed.delete(this.failed.keys().next().value as string);
      return undefined;
    }
  }

  private async cached(key: string): Promise<Picture | undefined> {
    const entry = this.kept.get(key);
    if (entry === undefined) return undefined;
    try {
      const octets = await readFile(join(this.folder, key));
      this.kept.delete(key);
      this.kept.set(key, entry);
      return { type: entry.type, octets };
    } catch (error) {
      this.log.warn({ err: error }, 'a cached picture cannot be read');
      this.forget(key);
      return undefined;
    }
  }

  /** A full disk is no reason to do without the picture. */
  private async keep(key: string, picture: Picture): Promise<void> {
    const size = picture.octets.length;
    if (size > this.maxBytes) return;
    try {
      await writeFile(join(this.folder, key), picture.octets, { mode: 0o600 });
      this.kept.set(key, { type: picture.type, size });
      this.bytes += size;
      for (const oldest of this.kept.keys()) {
        if (this.bytes <= this.maxBytes) break;
        this.forget(oldest);
        await rm(join(this.folder, oldest), { force: true });
      }
    } catch (error) {
      this.log.warn({ err: error }, 'a picture cannot be cached');
    }
  }

  private forget(key: string): void {
    this.bytes -= this.kept.get(key)?.size ?? 0;
    this.kept.delete(key);
  }
}

function keyOf(identity: string, { types, maxBytes }: PictureWish): string {
  return createHash('sha256')
    .update(JSON.stringify([identity, maxBytes, types ?? null]))
    .digest('hex');
}
