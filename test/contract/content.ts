// What every implementation of the content area of Store must do.

import { describe, expect, it } from 'vitest';
import type { ContentLink, ContentRecord } from '../../src/store/content.ts';
import type { Store } from '../../src/store/store.ts';
import { user, userRecord } from '../support/store-samples.ts';

const ANN = user('ann');
const BEA = user('bea');
const PLENTY = { items: 100, bytes: 10_000 };

function item(id: string, more: Partial<ContentRecord> = {}): ContentRecord {
  return {
    id,
    owner: ANN,
    name: `${id}.jpg`,
    type: 'image/jpeg',
    size: 100,
    sha256: 'ab'.repeat(32),
    createdAt: 1,
    ...more,
  };
}

function link(token: string, of: string, more: Partial<ContentLink> = {}): ContentLink {
  return { token, item: of, createdAt: 1, expiresAt: 1_000, audience: 'wv:bea@example.com', ...more };
}

export function contentContract(store: () => Store): void {
  const add = (record: ContentRecord, replace = false, limits = PLENTY) =>
    store().addContent(record, { replace, limits });

  describe('items', () => {
    it('keeps an item with everything about it', async () => {
      const full = item('a', { expiresAt: 5, addedBy: BEA });
      expect(await add(full)).toBe('added');
      expect(await store().contentItem('a')).toEqual(full);
      expect(await store().contentNamed(ANN, 'a.jpg')).toEqual(full);
      expect(await store().contentNamed(BEA, 'a.jpg')).toBeUndefined();
      expect(await store().contentItem('b')).toBeUndefined();
    });

    it('lists an area by name, page by page', async () => {
      for (const id of ['c', 'a', 'b']) await add(item(id));
      await add(item('z', { owner: BEA }));
      const first = await store().contentOf(ANN, undefined, 2);
      expect(first.map(({ name }) => name)).toEqual(['a.jpg', 'b.jpg']);
      expect(await store().contentOf(ANN, 'b.jpg', 2)).toEqual([item('c')]);
    });

    it('a name is taken once in an area; replacing takes the older one away, with its links', async () => {
      await add(item('a'));
      await store().addContentLink(link('t', 'a'));
      expect(await add(item('b', { name: 'a.jpg' }))).toBe('taken');
      expect(await add(item('c', { name: 'a.jpg', owner: BEA }))).toBe('added');
      expect(await add(item('b', { name: 'a.jpg', size: 7 }), true)).toBe('added');
      expect(await store().contentItem('a')).toBeUndefined();
      expect(await store().contentLink('t')).toBeUndefined();
      expect(await store().contentUsage(ANN)).toEqual({ items: 1, bytes: 7 });
    });

    it('refuses what would go beyond the limits, counting what is replaced as gone', async () => {
      await add(item('a', { size: 60 }));
      expect(await add(item('b', { size: 41 }), false, { items: 9, bytes: 100 })).toBe('full');
      expect(await add(item('b', { size: 1 }), false, { items: 1, bytes: 100 })).toBe('full');
      expect(await add(item('c', { name: 'a.jpg', size: 100 }), true, { items: 1, bytes: 100 })).toBe(
        'added',
      );
    });

    it('renames, unless the name is taken or the item is gone', async () => {
      await add(item('a'));
      await add(item('b'));
      expect(await store().renameContent('a', 'b.jpg')).toBe('taken');
      expect(await store().renameContent('a', 'a.jpg')).toBe('renamed');
      expect(await store().renameContent('a', 'new')).toBe('renamed');
      expect(await store().renameContent('x', 'new2')).toBe('missing');
      expect(await store().contentItem('a')).toMatchObject({ name: 'new' });
    });

    it('counts what an owner has', async () => {
      expect(await store().contentUsage(ANN)).toEqual({ items: 0, bytes: 0 });
      await add(item('a', { size: 10 }));
      await add(item('b', { size: 5 }));
      expect(await store().contentUsage(ANN)).toEqual({ items: 2, bytes: 15 });
      expect(await store().deleteContent('a')).toBe(true);
      expect(await store().deleteContent('a')).toBe(false);
      expect(await store().contentUsage(ANN)).toEqual({ items: 1, bytes: 5 });
    });

    it('knows whose time is over, and lets things stay longer', async () => {
      await add(item('a', { expiresAt: 100 }));
      await add(item('b', { expiresAt: 200 }));
      await add(item('c'));
      expect(await store().expiredContent(99, 10)).toEqual([]);
      expect(await store().expiredContent(100, 10)).toEqual(['a']);
      await store().keepContent('a', 300);
      await store().keepContent('b', 150);
      await store().keepContent('c', 300);
      expect(await store().expiredContent(250, 10)).toEqual(['b']);
      expect(await store().expiredContent(9_999, 10)).toEqual(['b', 'a']);
    });

    it('goes with the account of its owner', async () => {
      await store().createUser(userRecord('ann'), []);
      await add(item('a'));
      await add(item('b', { owner: BEA }));
      await store().deleteUser(ANN);
      expect(await store().contentIds('', 10)).toEqual(['b']);
      expect(await store().contentUsage(ANN)).toMatchObject({ items: 0, bytes: 0 });
    });

    it('tells all ids in order, page by page', async () => {
      for (const id of ['c', 'a', 'b']) await add(item(id));
      expect(await store().contentIds('', 2)).toEqual(['a', 'b']);
      expect(await store().contentIds('b', 2)).toEqual(['c']);
    });
  });

  describe('links', () => {
    it('lead to an item that is there', async () => {
      await add(item('a'));
      expect(await store().addContentLink(link('t', 'a'))).toBe(true);
      expect(await store().addContentLink(link('u', 'x'))).toBe(false);
      expect(await store().contentLink('t')).toEqual(link('t', 'a'));
      expect(await store().contentLink('u')).toBeUndefined();
    });

    it('are listed oldest first, revoked, and go with the item', async () => {
      await add(item('a'));
      await store().addContentLink(link('t2', 'a', { createdAt: 2 }));
      await store().addContentLink(link('t1', 'a'));
      expect((await store().contentLinks('a')).map(({ token }) => token)).toEqual(['t1', 't2']);
      expect(await store().deleteContentLink('t1')).toBe(true);
      expect(await store().deleteContentLink('t1')).toBe(false);
      await store().deleteContent('a');
      expect(await store().contentLink('t2')).toBeUndefined();
    });

    it('are forgotten when their time is over', async () => {
      await add(item('a'));
      await store().addContentLink(link('t', 'a', { expiresAt: 10 }));
      await store().addContentLink(link('u', 'a', { expiresAt: 20 }));
      expect(await store().dropExpiredLinks(10, 10)).toBe(1);
      expect(await store().contentLink('t')).toBeUndefined();
      expect(await store().contentLink('u')).toBeDefined();
    });
  });
}
