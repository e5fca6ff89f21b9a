// Presence values, both ways, and the merging of resources.

import { describe, expect, test } from 'vitest';
import { simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import {
  readPresence,
  readPriority,
  toAttributes,
  toXmpp,
  UNAVAILABLE,
} from '../../../adapters/xmpp/presence-map.ts';
import type { HeardPresence, Show } from '../../../adapters/xmpp/presence-map.ts';
import { MAX_RESOURCES, NOBODY, Resources } from '../../../adapters/xmpp/resources.ts';
import { stanza, xml } from '../../../adapters/xmpp/xml.ts';

describe('presence of our users', () => {
  test.each([
    ['AVAILABLE', undefined],
    ['DISCREET', 'dnd'],
    ['NOT_AVAILABLE', 'xa'],
  ])('%s is show %s', (availability, show) => {
    const presence = toXmpp({ OnlineStatus: simple('T'), UserAvailability: simple(availability) });
    expect(presence).toEqual({ available: true, show, status: '' });
  });

  test('offline or withheld is unavailable, and shows nothing else', () => {
    const rest = { UserAvailability: simple('AVAILABLE'), StatusText: simple('secret') };
    expect(toXmpp({ ...rest, OnlineStatus: simple('F') })).toEqual(UNAVAILABLE);
    expect(toXmpp({ ...rest, OnlineStatus: WITHDRAWN })).toEqual(UNAVAILABLE);
  });

  test('a withheld status text is not shown', () => {
    expect(toXmpp({ OnlineStatus: simple('T'), StatusText: { valid: false, value: 'old' } }).status).toBe('');
  });
});

describe('presence of contacts', () => {
  const read = (attrs: Record<string, string>, show?: string, status?: string) =>
    readPresence(
      stanza(
        'presence',
        attrs,
        show === undefined ? undefined : xml(NS.component, 'show', {}, show),
        status === undefined ? undefined : xml(NS.component, 'status', {}, status),
      ),
    );

  test.each([
    [undefined, 'AVAILABLE'],
    ['chat', 'AVAILABLE'],
    ['away', 'NOT_AVAILABLE'],
    ['xa', 'NOT_AVAILABLE'],
    ['dnd', 'DISCREET'],
    ['constructor', 'AVAILABLE'],
  ])('show %s is %s', (show, availability) => {
    const attributes = toAttributes(read({}, show));
    expect(attributes.OnlineStatus).toEqual(simple('T'));
    expect(attributes.UserAvailability).toEqual(simple(availability));
    expect(attributes.StatusText).toEqual(WITHDRAWN);
  });

  test('unavailable is offline', () => {
    expect(toAttributes(read({ type: 'unavailable' }, undefined, 'bye'))).toMatchObject({
      OnlineStatus: { value: 'F' },
      StatusText: { value: 'bye' },
    });
  });

  test('a long status is cut between characters', () => {
    const { status } = read({}, undefined, '😀'.repeat(300));
    expect(Array.from(status)).toHaveLength(250);
    expect(status.endsWith('😀…')).toBe(true);
  });

  test.each([
    ['5', 5],
    ['-1', -1],
    ['999', 127],
    ['x', 0],
    ['', 0],
  ])('priority %j is %i', (text, priority) => {
    expect(readPriority(stanza('presence', {}, xml(NS.component, 'priority', {}, text)))).toBe(priority);
  });
});

describe('several resources', () => {
  const shown = (show: Show | undefined, status = '', priority = 0, idleSince?: number): HeardPresence => ({
    available: true,
    show,
    status,
    priority,
    ver: '',
    idleSince,
  });

  test('the highest priority counts', () => {
    const resources = new Resources();
    resources.update('a', shown('dnd', '', 5));
    resources.update('b', shown('chat', '', 1));
    expect(resources.merged().show).toBe('dnd');
  });

  test('ties go to the most available, then to the latest', () => {
    const resources = new Resources();
    resources.update('a', shown('away'));
    resources.update('b', shown(undefined, 'first'));
    resources.update('c', shown(undefined, 'second'));
    expect(resources.merged().status).toBe('second');
    resources.update('b', shown(undefined, 'third'));
    expect(resources.merged().status).toBe('third');
  });

  test('among equals one in use counts more than an idle one, and that less the longer it is idle', () => {
    const resources = new Resources();
    resources.update('a', shown(undefined, 'in use'));
    resources.update('b', shown(undefined, 'idle', 0, 2_000));
    resources.update('c', shown(undefined, 'idle for longer', 0, 1_000));
    expect(resources.merged()).toMatchObject({ resource: 'a', status: 'in use' });
    resources.update('a', NOBODY);
    expect(resources.merged()).toMatchObject({ resource: 'b', status: 'idle' });
  });

  test('a resource of negative priority alone is online and not available', () => {
    const resources = new Resources();
    resources.update('a', shown(undefined, '', -1));
    expect(resources.merged()).toMatchObject({ available: true, show: 'xa' });
  });

  test('unavailable from the bare JID ends all of them', () => {
    const resources = new Resources();
    resources.update('a', shown(undefined));
    resources.update('b', shown(undefined));
    resources.update('', { ...NOBODY, status: 'gone' });
    expect(resources.merged()).toEqual({ ...NOBODY, status: 'gone' });
  });

  test('a contact cannot make us remember more than the limit', () => {
    const resources = new Resources();
    for (let n = 0; n < MAX_RESOURCES * 3; n++) resources.update(`r${n}`, shown(undefined, `s${n}`, n % 7));
    for (let n = 0; n < MAX_RESOURCES * 2; n++) resources.update(`r${n}`, NOBODY);
    expect(resources.merged().available).toBe(true);
    for (let n = 0; n < MAX_RESOURCES * 3; n++) resources.update(`r${n}`, NOBODY);
    expect(resources.empty).toBe(true);
  });
});
