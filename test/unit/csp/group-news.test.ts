// News of groups that wait for a client: what happened in between, and what is told twice.

import { describe, expect, it } from 'vitest';
import { WaitingNews, type GroupNews } from '../../../src/access/csp/group-news.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import { trusted, type GroupAddress } from '../../../src/wv/ids.ts';
import type { GroupChangeNotice } from '../../../src/wv/primitives.ts';
import { HOME } from '../../support/home-scene.ts';

const meta = { service: serviceAddress(HOME) };
const group = (name: string) => trusted<GroupAddress>(`wv:ann/${name}@wv.test`);

function notice(joined: readonly string[], left: readonly string[] = [], name = 'g'): GroupChangeNotice {
  const mapped = (names: readonly string[]) => names.map((screenName) => ({ screenName }));
  return {
    primitive: 'GroupChangeNotice',
    meta,
    group: group(name),
    recipients: [],
    joined: mapped(joined),
    left: mapped(left),
  };
}

function out(name = 'g'): GroupNews {
  return { primitive: 'LeaveGroupIndication', meta, group: group(name), users: [], result: { code: 809 } };
}

function told(news: GroupNews | undefined): string {
  if (news === undefined) return '';
  if (news.primitive === 'LeaveGroupIndication') return 'out';
  const { joined, left, properties = [] } = news;
  return [
    ...joined.map(({ screenName }) => `+${screenName}`),
    ...left.map(({ screenName }) => `-${screenName}`),
    ...properties.map(({ name, value }) => `${name}=${value}`),
  ].join(' ');
}

describe('waiting news', () => {
  it('of one group come as one notice', () => {
    const news = new WaitingNews();
    for (const name of ['Bea', 'Cy']) news.add(notice([name]));
    news.add(notice([], ['Dan']));
    expect(told(news.next())).toBe('+Bea +Cy -Dan');
    expect(news.next()).toBeUndefined();
  });

  it('who came and went again is not told of, nor who went and came', () => {
    const news = new WaitingNews();
    news.add(notice(['Bea']));
    news.add(notice([], ['BEA']));
    expect(news.size).toBe(0);
    news.add(notice([], ['Cy']));
    news.add(notice(['Cy', 'Dan']));
    expect(told(news.next())).toBe('+Dan');
  });

  it('of properties the latest value counts', () => {
    const news = new WaitingNews();
    news.add({ ...notice([]), properties: [{ name: 'Topic', value: 'old' }] });
    news.add({ ...notice([]), properties: [{ name: 'Topic', value: 'new' }] });
    expect(told(news.next())).toBe('Topic=new');
  });

  it('being put out makes what happened before uninteresting, and comes before what follows', () => {
    const news = new WaitingNews();
    news.add(notice(['Bea']));
    news.add(out());
    news.add(notice(['Cy']));
    expect([told(news.next()), told(news.next()), told(news.next())]).toEqual(['out', '+Cy', '']);
  });

  it('told in vain they come again, but what happened since holds', () => {
    const news = new WaitingNews();
    news.add(notice([], ['Bea']));
    news.putBack(notice(['Bea', 'Cy'], ['Dan']));
    expect(told(news.next())).toBe('+Cy -Bea -Dan');
    news.add(out());
    news.putBack(notice(['Eve']));
    expect([told(news.next()), told(news.next())]).toEqual(['out', '']);
  });

  it('are bounded: the oldest group and the oldest changes go first', () => {
    const news = new WaitingNews();
    for (let n = 0; n < 200; n++) news.add(notice(['Bea'], [], `g${n}`));
    expect(news.size).toBe(128);
    expect(news.take(group('g0'))).toEqual([]);
    expect(news.take(group('g199'))).toHaveLength(1);
    const crowd = Array.from({ length: 700 }, (_, n) => `user${n}`);
    news.add(notice(crowd, [], 'crowd'));
    const [first] = news.take(group('crowd'));
    expect(first?.primitive === 'GroupChangeNotice' && first.joined).toHaveLength(500);
  });
});
