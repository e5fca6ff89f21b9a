// Storage areas: each user's, each group's, and the server's own for the originals of messages. The file comes first,
// then the row: what has a row is complete, what has none goes at the next start.

import type { Clock, IdSource, Log, Metrics } from '../../ops/ports.ts';
import type { UserAddress } from '../../wv/ids.ts';
import type { ContentOwner, ContentRecord, ContentUsage } from '../../store/content.ts';
import type { Store } from '../../store/store.ts';
import { bareType, isAccepted, isMimeType, isPicture, sniffPicture } from './content-types.ts';
import { ContentError } from './errors.ts';
import type { ContentFiles, Written } from './files.ts';
import { checkedName } from './names.ts';
import type { Scanner } from './scanner.ts';

export interface Upload {
  readonly owner: ContentOwner;
  readonly name: string;
  /** MIME type; parameters are dropped. */
  readonly type: string;
  readonly source: AsyncIterable<Uint8Array>;
  /** What the sender says the size is, octets: so that what cannot fit is refused at once. */
  readonly announced?: number;
  readonly addedBy?: UserAddress;
  readonly expiresAt?: number;
  /** Takes the place of the item of that name; else that is refused ('taken'). */
  readonly replace?: boolean;
}

/** What may be put into an area. */
export interface AreaRules {
  /** Octets of one item. */
  readonly maxItem: number;
  /** Octets of the whole area. */
  readonly quota: number;
  /** Items of the area. */
  readonly maxItems: number;
  /** MIME types and patterns. */
  readonly types: readonly string[];
  /** What claims to be a picture must be one of a known format. */
  readonly knownPictures: boolean;
}

export interface StorageDependencies {
  readonly store: Store;
  readonly files: ContentFiles;
  readonly scanner: Scanner;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Uploads of one owner, and of all, at the same time. */
const UPLOADS_PER_OWNER = 4;
const UPLOADS = 64;
/** Ids and rows per step of the comparison at start, and per round of housekeeping. */
const BATCH = 500;

export class ContentStorage {
  private readonly deps: StorageDependencies;
  /** Octets and number of uploads under way, by owner: the quota holds while they stream. */
  private readonly underWay = new Map<ContentOwner, { bytes: number; uploads: number }>();
  private uploads = 0;

  constructor(deps: StorageDependencies) {
    this.deps = deps;
  }

  /** Removes what a crash left: files without a row, rows without a file. */
  async start(): Promise<void> {
    const { store, files, log } = this.deps;
    await files.start();
    let orphans = 0;
    for await (const id of files.ids()) {
      if ((await store.contentItem(id)) !== undefined) continue;
      await files.remove(id);
      orphans++;
    }
    let rows = 0;
    for (let after = ''; ;) {
      const ids = await store.contentIds(after, BATCH);
      for (const id of ids) if (!(await files.has(id)) && (await store.deleteContent(id))) rows++;
      if (ids.length < BATCH) break;
      after = ids.at(-1) ?? '';
    }
    if (orphans + rows > 0) log.warn({ files: orphans, rows }, 'content: left-overs removed');
  }

  /**
   * Takes an upload, in bounded memory. When this resolves, file and row are on disk.
   * @throws ContentError for everything its sender can do something about; then nothing is left of it.
   */
  async add(upload: Upload, rules: AreaRules): Promise<ContentRecord> {
    const name = checkedName(upload.name);
    const type = checkedType(upload.type, rules);
    const share = this.begin(upload.owner);
    try {
      const usage = await this.roomFor(upload, name, rules);
      const id = this.deps.ids.random(18);
      const written = await this.deps.files.write(id, upload.source, (size) => {
        if (size > rules.maxItem) throw tooLarge(rules);
        share.grow(size);
        if (usage.bytes + share.bytes() > rules.quota) throw full(rules);
      });
      return await this.keep(id, written, { ...upload, name, type }, rules);
    } catch (error) {
      if (error instanceof ContentError) {
        this.deps.metrics.count('content_refused_total', { reason: error.refusal });
        this.deps.log.info({ owner: upload.owner, reason: error.refusal }, 'content refused');
      }
      throw error;
    } finally {
      share.end();
    }
  }

  get(id: string): Promise<ContentRecord | undefined> {
    return this.deps.store.contentItem(id);
  }

  named(owner: ContentOwner, name: string): Promise<ContentRecord | undefined> {
    return this.deps.store.contentNamed(owner, checkedName(name));
  }

  list(owner: ContentOwner, after: string | undefined, limit: number): Promise<readonly ContentRecord[]> {
    return this.deps.store.contentOf(owner, after, limit);
  }

  usage(owner: ContentOwner): Promise<ContentUsage> {
    return this.deps.store.contentUsage(owner);
  }

  /** @throws ContentError `name`, `taken`, `gone`. */
  async rename(item: ContentRecord, name: string): Promise<ContentRecord> {
    const outcome = await this.deps.store.renameContent(item.id, checkedName(name));
    if (outcome === 'taken') throw new ContentError('taken', 'another item has this name');
    if (outcome === 'missing') throw new ContentError('gone', 'the item is not there any more');
    return { ...item, name: checkedName(name) };
  }

  /** The row first: from then on nobody is served any more, whatever happens to the file. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.deps.store.deleteContent(id);
    await this.deps.files.remove(id);
    return removed;
  }

  /** Removes items and links whose time is over. Called now and then. */
  async expire(): Promise<void> {
    const { store, clock } = this.deps;
    for (const id of await store.expiredContent(clock.now(), BATCH)) await this.remove(id);
    await store.dropExpiredLinks(clock.now(), BATCH);
  }

  private async keep(id: string, written: Written, upload: Upload, rules: AreaRules): Promise<ContentRecord> {
    const { store, files, clock, metrics } = this.deps;
    try {
      const item: ContentRecord = {
        id,
        owner: upload.owner,
        name: upload.name,
        type: trueType(upload.type, written.head, rules),
        size: written.size,
        sha256: written.sha256,
        createdAt: clock.now(),
        ...(upload.expiresAt === undefined ? {} : { expiresAt: upload.expiresAt }),
        ...(upload.addedBy === undefined ? {} : { addedBy: upload.addedBy }),
      };
      await this.scan(written);
      const replaced = upload.replace === true ? await store.contentNamed(item.owner, item.name) : undefined;
      await files.keep(id, written);
      const outcome = await store.addContent(item, {
        replace: upload.replace === true,
        limits: { items: rules.maxItems, bytes: rules.quota },
      });
      if (outcome === 'full') throw full(rules);
      if (outcome === 'taken') throw new ContentError('taken', 'another item has this name');
      if (replaced !== undefined) await files.remove(replaced.id);
      metrics.count('content_stored_total');
      return item;
    } catch (error) {
      await files.discard(written);
      await files.remove(id);
      throw error;
    }
  }

  private async scan({ path }: Written): Promise<void> {
    const verdict = await this.deps.scanner.scan(path);
    if (!verdict.clean) throw new ContentError('infected', `refused by the scanner: ${verdict.found}`);
  }

  /** What the area holds; refuses before the first octet what cannot fit. */
  private async roomFor(upload: Upload, name: string, rules: AreaRules): Promise<ContentUsage> {
    const { store } = this.deps;
    const older = await store.contentNamed(upload.owner, name);
    if (older !== undefined && upload.replace !== true) {
      throw new ContentError('taken', 'another item has this name');
    }
    const usage = await store.contentUsage(upload.owner);
    const items = usage.items - (older === undefined ? 0 : 1);
    const bytes = usage.bytes - (older?.size ?? 0);
    const announced = upload.announced ?? 0;
    if (announced > rules.maxItem) throw tooLarge(rules);
    const uploads = this.underWay.get(upload.owner)?.uploads ?? 0;
    if (items + uploads > rules.maxItems || bytes + announced > rules.quota) throw full(rules);
    return { items, bytes };
  }

  private begin(owner: ContentOwner) {
    const own = this.underWay.get(owner) ?? { bytes: 0, uploads: 0 };
    if (own.uploads >= UPLOADS_PER_OWNER || this.uploads >= UPLOADS) {
      throw new ContentError('busy', 'too many uploads at once');
    }
    this.underWay.set(owner, own);
    own.uploads++;
    this.uploads++;
    let taken = 0;
    return {
      grow: (size: number) => {
        own.bytes += size - taken;
        taken = size;
      },
      bytes: () => own.bytes,
      end: () => {
        own.bytes -= taken;
        own.uploads--;
        this.uploads--;
        if (own.uploads === 0) this.underWay.delete(owner);
      },
    };
  }
}

function tooLarge(rules: AreaRules): ContentError {
  return new ContentError('too-large', `larger than ${rules.maxItem} bytes`);
}

function full(rules: AreaRules): ContentError {
  return new ContentError('quota', `the area holds ${rules.quota} bytes in ${rules.maxItems} items at most`);
}

function checkedType(type: string, rules: AreaRules): string {
  const bare = bareType(type);
  if (!isMimeType(bare) || !isAccepted(rules.types, bare)) {
    throw new ContentError('type', 'this type of content is not stored here');
  }
  return bare;
}

/** A picture is kept as what it is, whatever it was called. */
function trueType(claimed: string, head: Uint8Array, rules: AreaRules): string {
  if (!isPicture(claimed)) return claimed;
  const found = sniffPicture(head);
  if (found === undefined && rules.knownPictures) {
    throw new ContentError('type', 'not a picture of a known format');
  }
  return found ?? claimed;
}
