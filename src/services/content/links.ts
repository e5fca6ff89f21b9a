// Links to content: whoever has one may fetch the item, without a password, until it expires or is revoked.

import type { Clock, IdSource } from '../../ops/ports.ts';
import type { ContentLink, ContentRecord } from '../../store/content.ts';
import type { Store } from '../../store/store.ts';
import { ContentError } from './errors.ts';

/** Random octets of a token: 144 bits. */
const TOKEN_BYTES = 18;
const DAY_MS = 86_400_000;
const MAX_AUDIENCE = 200;

export interface LinkDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limits: {
    readonly maxDays: number;
    /** Links to one item. */
    readonly perItem: number;
  };
  /** What links begin with, without a slash at the end; undefined = none can be made. */
  readonly publicUrl: string | undefined;
}

export class ContentLinks {
  private readonly deps: LinkDependencies;

  constructor(deps: LinkDependencies) {
    this.deps = deps;
  }

  /** False when the operator named no address: links would lead nowhere. */
  get possible(): boolean {
    return this.deps.publicUrl !== undefined;
  }

  /**
   * A new link. `days` is cut to the longest life; `audience` is a note for the owner.
   * @throws ContentError `quota` too many links, `gone` the item was deleted, `type` no links are made here.
   */
  async create(item: ContentRecord, audience: string, days?: number): Promise<ContentLink> {
    const { store, clock, ids, limits } = this.deps;
    if (!this.possible)
      throw new ContentError('type', 'this server makes no links: content.publicUrl is not set');
    const existing = await store.contentLinks(item.id);
    if (existing.length >= limits.perItem) {
      throw new ContentError('quota', `more than ${limits.perItem} links to one item`);
    }
    const link: ContentLink = {
      token: ids.random(TOKEN_BYTES),
      item: item.id,
      createdAt: clock.now(),
      expiresAt: clock.now() + Math.min(days ?? limits.maxDays, limits.maxDays) * DAY_MS,
      audience: audience.slice(0, MAX_AUDIENCE),
    };
    await store.keepContent(item.id, link.expiresAt);
    if (!(await store.addContentLink(link))) throw new ContentError('gone', 'the item is not there any more');
    return link;
  }

  /** The address of a link for this audience: one that still lives half of its time, else a new one. */
  async reuse(item: ContentRecord, audience: string): Promise<string> {
    const { store, clock } = this.deps;
    const note = audience.slice(0, MAX_AUDIENCE);
    const links = await store.contentLinks(item.id);
    const young = links.find(
      (link) => link.audience === note && clock.now() < (link.createdAt + link.expiresAt) / 2,
    );
    return this.url(young ?? (await this.create(item, note)), item);
  }

  async of(item: ContentRecord): Promise<readonly ContentLink[]> {
    const now = this.deps.clock.now();
    return (await this.deps.store.contentLinks(item.id)).filter(({ expiresAt }) => expiresAt > now);
  }

  /** False when there is no such link to this item. */
  async revoke(item: ContentRecord, token: string): Promise<boolean> {
    const link = await this.deps.store.contentLink(token);
    return link?.item === item.id && this.deps.store.deleteContentLink(token);
  }

  /** What a token leads to; undefined = nothing (any more), for whatever reason. */
  async resolve(token: string): Promise<ContentRecord | undefined> {
    const { store, clock } = this.deps;
    const link = await store.contentLink(token);
    if (link === undefined || link.expiresAt <= clock.now()) return undefined;
    return store.contentItem(link.item);
  }

  url({ token }: ContentLink, { name }: ContentRecord): string {
    return `${this.deps.publicUrl ?? ''}/c/${token}/${encodeURIComponent(name)}`;
  }
}
