// Shared content: what is known of the files that the content service keeps, and the links to them. The octets
// themselves lie in files beside the database (services/content/files.ts).

import type { GroupAddress, ServiceAddress, UserAddress } from '../wv/ids.ts';

/** Whose storage area a piece of content is in; the server's own area holds the originals of messages. */
export type ContentOwner = UserAddress | GroupAddress | ServiceAddress;

export interface ContentRecord {
  /** Unguessable; also the name of the file. */
  readonly id: string;
  readonly owner: ContentOwner;
  /** Unique in its area. */
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  /** Octets. */
  readonly size: number;
  /** Of the octets, in hex. */
  readonly sha256: string;
  readonly createdAt: number;
  /** When it goes by itself, milliseconds since the epoch; absent = never. */
  readonly expiresAt?: number;
  /** Who put it there, when that is not the owner. */
  readonly addedBy?: UserAddress;
}

export interface ContentLink {
  /** At least 128 random bits: who has it may fetch the item. */
  readonly token: string;
  /** Id of the content. */
  readonly item: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** A note for the owner on whom it was made for. */
  readonly audience: string;
}

export interface ContentUsage {
  readonly items: number;
  /** Octets. */
  readonly bytes: number;
}

/** 'taken': another item of this owner has the name; 'full': beyond the limits. Nothing was written in either case. */
export type ContentOutcome = 'added' | 'taken' | 'full';

export interface AddContentOptions {
  /** The item of the same name goes, and its links with it. */
  readonly replace: boolean;
  /** What the owner may have with the new item; octets. */
  readonly limits: ContentUsage;
}

export interface ContentStore {
  /** Notes an item whose file is on disk. */
  addContent(item: ContentRecord, options: AddContentOptions): Promise<ContentOutcome>;
  contentItem(id: string): Promise<ContentRecord | undefined>;
  contentNamed(owner: ContentOwner, name: string): Promise<ContentRecord | undefined>;
  /** An owner's items in the order of their names, after `after`. */
  contentOf(owner: ContentOwner, after: string | undefined, limit: number): Promise<readonly ContentRecord[]>;
  /** 'taken': another item has the name; 'missing': there is no such item. */
  renameContent(id: string, name: string): Promise<'renamed' | 'taken' | 'missing'>;
  /** False when there is no such item. Its links go with it. */
  deleteContent(id: string): Promise<boolean>;
  /** Lets an item stay at least until then; one that stays for ever still does. */
  keepContent(id: string, until: number): Promise<void>;
  contentUsage(owner: ContentOwner): Promise<ContentUsage>;
  /** Ids in order, after `after`: for the comparison with the files at start. */
  contentIds(after: string, limit: number): Promise<readonly string[]>;
  /** Ids of items whose time is over. */
  expiredContent(now: number, limit: number): Promise<readonly string[]>;

  /** False when there is no such item. */
  addContentLink(link: ContentLink): Promise<boolean>;
  contentLink(token: string): Promise<ContentLink | undefined>;
  /** Links to an item, oldest first. */
  contentLinks(item: string): Promise<readonly ContentLink[]>;
  /** Revokes: false when there is no such link. */
  deleteContentLink(token: string): Promise<boolean>;
  /** Forgets links whose time is over; returns how many. */
  dropExpiredLinks(now: number, limit: number): Promise<number>;
}
