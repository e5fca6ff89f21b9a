import { beforeEach, describe, expect, it } from 'vitest';
import { Audience } from '../../../adapters/matrix/audience.ts';
import { MatrixAddresses } from '../../../adapters/matrix/addresses.ts';
import type { SendToHomeserver } from '../../../adapters/matrix/bridge.ts';
import { HomeserverClient } from '../../../adapters/matrix/client.ts';
import { HomeserverError } from '../../../adapters/matrix/errors.ts';
import type { MatrixUserId } from '../../../adapters/matrix/ids.ts';
import { Ghosts } from '../../../adapters/matrix/ghosts.ts';
import { changed, fromMatrix, toMatrix } from '../../../adapters/matrix/presence-map.ts';
import { Publishing } from '../../../adapters/matrix/presence-out.ts';
import { parseDomain, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../../src/wv/ids.ts';
import { simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../../src/wv/presence.ts';
import { ManualClock } from '../../support/matrix-clock.ts';
import { HOME, TestRelay } from '../../support/matrix-relay.ts';

const PSEUDO = parseDomain('matrix.wv.example') as Domain;
const WATCHER = userAddress('gateway', PSEUDO);

describe('presence on both sides', () => {
  it.each([
    [{ presence: 'online' }, ['T', 'AVAILABLE']],
    [{ presence: 'unavailable' }, ['T', 'NOT_AVAILABLE']],
    [{ presence: 'offline' }, ['F', 'NOT_AVAILABLE']],
    [{ presence: 'org.matrix.msc3026.busy' }, ['T', 'DISCREET']],
  ])('reads %j', (content, [online, availability]) => {
    expect(fromMatrix(content)).toEqual({
      OnlineStatus: simple(online ?? ''),
      UserAvailability: simple(availability ?? ''),
      StatusText: WITHDRAWN,
    });
  });

  it.each([[{}], [{ presence: 'sleeping' }], [null], ['online']])('takes %j for nothing said', (content) => {
    expect(fromMatrix(content)).toBeUndefined();
  });

  const online = { OnlineStatus: simple('T') };
  it.each<[PresenceAttributes, object]>([
    [{}, { presence: 'offline' }],
    [{ OnlineStatus: simple('F'), StatusText: simple('gone') }, { presence: 'offline' }],
    [{ OnlineStatus: WITHDRAWN, UserAvailability: simple('AVAILABLE') }, { presence: 'offline' }],
    [online, { presence: 'online' }],
    [
      { ...online, UserAvailability: simple('DISCREET') },
      { presence: 'online', status_msg: 'Busy' },
    ],
    [{ ...online, UserAvailability: simple('NOT_AVAILABLE') }, { presence: 'unavailable' }],
    [{ ...online, StatusText: WITHDRAWN }, { presence: 'online' }],
    [
      { ...online, StatusText: simple('🙂'.repeat(300)) },
      { presence: 'online', status_msg: '🙂'.repeat(250) },
    ],
  ])('shows %j', (values, shown) => {
    expect(toMatrix(values)).toEqual(shown);
  });

  it('finds what changed', () => {
    const before = { ...online, StatusText: simple('a') };
    expect(changed(undefined, before)).toEqual(before);
    expect(changed(before, { ...before })).toEqual({});
    expect(changed(before, { ...before, StatusText: simple('b') })).toEqual({ StatusText: simple('b') });
  });
});

describe('showing WV users to Matrix', () => {
  let clock: ManualClock;
  let relay: TestRelay;
  let shown: { ghost: string; presence: unknown }[];
  let refusal: HomeserverError | undefined;
  let publishing: Publishing;
  let audience: Audience;
  /** What the homeserver says when it is asked. */
  let known: string;

  const user = (name: string): UserAddress => userAddress(name, HOME);
  const notify = (name: string, attributes: PresenceAttributes, watcher: UserAddress = WATCHER): void =>
    publishing.notified({
      primitive: 'PresenceNotification',
      meta: { service: serviceAddress(HOME), user: user(name) },
      publisher: user(name),
      watchers: [watcher],
      attributes,
    });
  const online = (text: string): PresenceAttributes => ({
    OnlineStatus: simple('T'),
    StatusText: simple(text),
  });

  function build(more: { enabled?: boolean; refreshMs?: number } = {}): Publishing {
    const send: SendToHomeserver = (ghost, request) => {
      if (!request.path.includes('/presence/')) return Promise.resolve({});
      if (request.method === 'GET') return Promise.resolve({ presence: known });
      if (refusal !== undefined) return Promise.reject(refusal);
      shown.push({ ghost, presence: request.body });
      return Promise.resolve({});
    };
    const retry = { tries: 1, baseDelayMs: 1, maxDelayMs: 1, timeoutMs: 1000 };
    const { log, metrics } = relay;
    const client = new HomeserverClient({ send, retry, clock, log, metrics, onOutcome: () => undefined });
    const addresses = new MatrixAddresses({
      homeDomain: HOME,
      pseudoDomain: PSEUDO,
      serverName: 'hs.example',
      prefix: '_imps_',
      botLocalpart: '_imps_bot',
      refused: [],
    });
    const ghosts = new Ghosts(relay, client, addresses);
    const wishes = { enabled: true, perSecond: 2, refreshMs: 0, ...more };
    return new Publishing({
      relay,
      client,
      addresses,
      ghosts,
      audience,
      pseudoDomain: PSEUDO,
      watcher: WATCHER,
      ...wishes,
    });
  }

  beforeEach(async () => {
    clock = new ManualClock();
    relay = new TestRelay();
    for (const name of ['a', 'b', 'c']) await relay.storage.put(`ghost @_imps_${name}:hs.example`, '');
    Object.assign(relay, { clock });
    shown = [];
    refusal = undefined;
    known = 'online';
    audience = new Audience();
    publishing = build();
  });

  it('sends the newest state only, within its budget, and nothing twice', async () => {
    for (const name of ['a', 'b', 'c']) notify(name, online('1'));
    for (const name of ['b', 'c']) notify(name, online('2'));
    await clock.advance(0);
    expect(shown).toEqual([
      { ghost: '@_imps_a:hs.example', presence: { presence: 'online', status_msg: '1' } },
    ]);
    await clock.advance(1000);
    expect(shown.map(({ presence }) => presence)).toEqual([
      { presence: 'online', status_msg: '1' },
      { presence: 'online', status_msg: '2' },
      { presence: 'online', status_msg: '2' },
    ]);
    notify('a', online('1'));
    await clock.advance(5000);
    expect(shown).toHaveLength(3);
    expect(relay.metrics.counts.get('matrix_presence_total matrix suppressed')).toBe(3);
  });

  it('shows nothing that is meant for other watchers, nothing but three attributes, nothing when switched off', async () => {
    notify('a', online('secret'), userAddress('dave@hs.example', PSEUDO));
    notify('b', { Alias: simple('B'), FreeTextLocation: simple('here') });
    await clock.advance(1000);
    publishing = build({ enabled: false });
    notify('c', online('hello'));
    await publishing.watch([user('c')]);
    await clock.advance(1000);
    expect(shown).toEqual([]);
    expect(relay.emitted).toEqual([]);
  });

  it('keeps what was shown before when one attribute changes', async () => {
    notify('a', online('1'));
    await clock.advance(1000);
    notify('a', { UserAvailability: simple('NOT_AVAILABLE') });
    await clock.advance(1000);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'unavailable', status_msg: '1' });
  });

  it('sets a user offline, once, who no longer lets Matrix watch', async () => {
    notify('a', online('1'));
    await clock.advance(1000);
    publishing.withdrawn(user('a'));
    publishing.withdrawn(user('a'));
    await clock.advance(5000);
    expect(shown.map(({ presence }) => presence)).toEqual([
      { presence: 'online', status_msg: '1' },
      { presence: 'offline' },
    ]);
  });

  it('repeats what it shows before the homeserver forgets, and takes its leave at the end', async () => {
    publishing = build({ refreshMs: 25_000 });
    publishing.start();
    notify('a', online('1'));
    await clock.advance(60_000);
    expect(shown).toHaveLength(3);
    const stopped = publishing.stop();
    await clock.advance(0);
    await stopped;
    expect(shown.at(-1)?.presence).toEqual({ presence: 'offline' });
    await clock.advance(60_000);
    expect(shown).toHaveLength(4);
  });

  it('tells once that the homeserver refuses presence', async () => {
    refusal = new HomeserverError({ status: 403, errcode: 'M_FORBIDDEN' });
    for (const name of ['a', 'b', 'c']) notify(name, online('1'));
    await clock.advance(5000);
    expect(relay.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('follows a user who comes and goes all the time no more, until he is calm', async () => {
    for (let turn = 0; turn < 30; turn++) {
      notify('a', turn % 2 === 0 ? online('') : { OnlineStatus: simple('F') });
      await clock.advance(10_000);
    }
    expect(shown.length).toBeLessThan(5);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'offline' });
    const before = shown.length;
    notify('a', online('calm'));
    await clock.advance(60_000);
    expect(shown).toHaveLength(before);
    await clock.advance(4 * 60_000);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'online', status_msg: 'calm' });
    notify('a', { OnlineStatus: simple('F') });
    await clock.advance(1000);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'offline' });
  });

  it('shows at once that somebody left, or takes the authorisation back, however often he changes', async () => {
    for (let turn = 0; turn < 8; turn++) {
      notify('a', online(String(turn)));
      await clock.advance(1000);
    }
    expect(shown.at(-1)?.presence).toMatchObject({ presence: 'online' });
    publishing.withdrawn(user('a'));
    await clock.advance(1000);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'offline' });
    await clock.advance(10 * 60_000);
    expect(shown.at(-1)?.presence).toEqual({ presence: 'offline' });
  });

  it('repeats nothing while everybody is away who could see it, and at once when one comes back', async () => {
    const dave = '@dave:hs.example' as MatrixUserId;
    audience.met(user('a'), dave);
    publishing = build({ refreshMs: 25_000 });
    publishing.start();
    notify('a', online('1'));
    await clock.advance(1000);
    audience.saw({ user: dave, content: { presence: 'offline' } });
    await clock.advance(120_000);
    expect(shown).toHaveLength(1);
    publishing.refresh(audience.saw({ user: dave, content: { presence: 'online' } }));
    await clock.advance(1000);
    expect(shown).toHaveLength(2);
    await clock.advance(25_000);
    expect(shown).toHaveLength(3);
  });

  it('shows changes before it repeats what is known', async () => {
    for (const name of ['a', 'b']) notify(name, online('1'));
    await clock.advance(2000);
    publishing.refresh([user('a'), user('b')]);
    notify('c', online('new'));
    await clock.advance(2000);
    expect(shown.slice(2).map(({ ghost }) => ghost)).toEqual(
      ['a', 'c', 'b'].map((name) => `@_imps_${name}:hs.example`),
    );
  });

  it('tells a homeserver that was away what is shown, once', async () => {
    notify('a', online('1'));
    notify('b', { OnlineStatus: simple('F') });
    await clock.advance(2000);
    publishing.resynchronize();
    await clock.advance(5000);
    expect(shown.map(({ ghost }) => ghost)).toEqual(['@_imps_a:hs.example', '@_imps_a:hs.example']);
  });

  it('tells once that presence is switched off at the homeserver, and leaves it alone until it is back', async () => {
    known = 'offline';
    for (const name of ['a', 'b', 'c']) notify(name, online('1'));
    await clock.advance(60_000);
    // One more may be under way while it looks.
    const before = shown.length;
    expect(before).toBeLessThan(3);
    const warnings = relay.log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
    expect(warnings).toEqual([expect.stringContaining('switched off')]);
    known = 'online';
    publishing.resynchronize();
    await clock.advance(5000);
    expect(shown).toHaveLength(before + 3);
  });

  it('asks for what the pseudo-watcher may see, in batches', async () => {
    await publishing.watch(Array.from({ length: 250 }, (_, at) => user(`u${at}`)));
    const requests = relay.all('SubscribeRequest');
    expect(requests.map(({ publishers }) => publishers.length)).toEqual([100, 100, 50]);
    expect(requests[0]).toMatchObject({ watcher: WATCHER, meta: { user: WATCHER } });
  });
});
