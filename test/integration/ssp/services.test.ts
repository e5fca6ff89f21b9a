// What two servers agree on (ssp.md sections 6.1 and 15): functions, and versions.

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { federation, type Federation, type HouseOptions } from '../../support/ssp/federation.ts';
import { COMMON, NEW, OLD } from '../../support/ssp/mixes.ts';
import { ask, codesIn, metaInfo } from '../../support/ssp/raw-documents.ts';
import { transactionsOf } from '../../support/ssp/transcript.ts';

let open: Federation<'a' | 'b'> | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
}, 30_000);

async function two(a: HouseOptions, b: HouseOptions = {}) {
  open = await federation({ a, b });
  return open;
}

/** Ann of a.test wrote to bea of b.test, and everything is agreed on. */
async function acquainted(all: Federation<'a' | 'b'>) {
  const { user: ann, client: a } = await all.houses.a.somebody('ann', NEW);
  const { user: bea, client: b } = await all.houses.b.somebody('bea', OLD);
  const there = b.next('message');
  await a.sendMessage({ to: { user: bea }, content: 'hello' });
  await there;
  await all.wire.settled();
  return { ann, a, bea, b };
}

describe('services', () => {
  it('that one of the two does not want are 506, for its users, the other’s, and on the wire', async () => {
    const all = await two({ entries: { b: { services: ['im', 'presence'] } } });
    const { ann, a, bea, b } = await acquainted(all);
    const { wire } = all;
    const [oak, elm] = [bea.replace('@', '/oak@'), ann.replace('@', '/elm@')];
    await b.groups.create(oak);
    await a.groups.create(elm);
    await wire.settled();
    const mark = wire.log.length;
    await expect(a.groups.join(oak)).rejects.toMatchObject({ code: 506 });
    await expect(b.groups.join(elm)).rejects.toMatchObject({ code: 506 });
    await expect(a.invitations.invite('i1', { user: bea }, { type: 'IM' })).rejects.toMatchObject({
      code: 506,
    });
    expect(wire.since(mark)).toEqual([]);
    for (const [from, to, user, group] of [
      ['a.test', 'b.test', ann, oak],
      ['b.test', 'a.test', bea, elm],
    ] as const) {
      const join = `<JoinGroupRequest groupID="${group}" joinedListRequest="No" subscribeNotif="No">${metaInfo(from, user)}</JoinGroupRequest>`;
      expect(codesIn(await ask(wire, { from, to }, join))).toEqual([506]);
    }
    const back = a.next('message');
    await b.sendMessage({ to: { user: ann }, content: 'messages pass' });
    await back;
  });

  it('are negotiated: the answer is what both want, and holds after a restart', async () => {
    const all = await two(
      { entries: { b: { services: ['im', 'groups'] } } },
      { entries: { a: { services: ['im', 'presence'] } } },
    );
    const { a, bea } = await acquainted(all);
    const answers = all.wire.transactions().filter(({ primitive }) => primitive === 'ServiceResponse');
    expect(answers).toHaveLength(2);
    for (const { body } of answers) {
      const functions = Array.from(body.matchAll(/<(\w+Func)\/>/g), ([, name]) => name);
      expect(functions).toEqual(['IMSendFunc', 'IMReceiveFunc']);
    }
    await expect(a.groups.join(bea.replace('@', '/oak@'))).rejects.toMatchObject({ code: 506 });
    await expect(a.subscribe({ users: [bea] })).rejects.toMatchObject({ code: 506 });
  });

  it('are those of the profile with a peer that does not negotiate; it is not asked about the session again', async () => {
    const all = await two({});
    all.wire.meddler = ({ body }) =>
      body.includes('<ServiceRequest>')
        ? { kind: 'instead', body: body.replaceAll('ServiceRequest>', 'NoSuchRequest>') }
        : undefined;
    const { a, bea, b } = await acquainted(all);
    const refused = all.wire
      .transactions()
      .filter(({ mode, body }) => mode === 'Response' && body.includes('code="405"'));
    expect(refused).toHaveLength(2);
    const oak = bea.replace('@', '/oak@');
    await b.groups.create(oak, { screenName: 'Bo' });
    const joined = await a.groups.join(oak, { screenName: 'Ally' });
    expect(joined.participants).toHaveLength(2);
    await all.wire.settled();
    const mark = all.wire.log.length;
    await all.houses.a.stop();
    expect(all.wire.requests('LogoutRequest', mark)).toEqual([]);
  });
});

describe('versions', () => {
  it.each([
    ['1.1', 'the one that begins', { entries: { b: { version: '1.1' } } }, {}],
    ['1.2', 'the one that begins', { entries: { b: { version: '1.2' } } }, {}],
    ['1.1', 'the other', {}, { entries: { a: { version: '1.1' } } }],
    ['1.2', 'the other', {}, { entries: { a: { version: '1.2' } } }],
  ] as const)('%s pinned by %s is spoken by both from then on', async (version, _who, a, b) => {
    const all = await two(a, b);
    await acquainted(all);
    const spoken = all.wire.log.filter(({ body }) => body.includes('<Session '));
    expect(new Set(spoken.map(({ from }) => from)).size).toBe(2);
    for (const { body } of spoken) expect(body).toMatch(new RegExp(`xmlns="[^"]*SSP${version}"`));
    for (const house of [all.houses.a, all.houses.b])
      expect(await house.peers()).toMatchObject([{ session: 'up', version }]);
  });

  it.each([
    ['1.1', '1.3'],
    ['1.3', '1.1'],
  ] as const)('%s here and %s there: 505, and both operators see it', async (here, there) => {
    const all = await two({ entries: { b: { version: here } } }, { entries: { a: { version: there } } });
    const { client: a } = await all.houses.a.somebody('ann', COMMON);
    const bea = await all.houses.b.person('bea');
    expect((await a.sendMessage({ to: { user: bea }, content: 'hello' })).outcome.code).toBe(200);
    const told = await eventually('505', () =>
      all.wire.log.find(({ body }) => transactionsOf(body)[0]?.primitive === 'LoginResponse'),
    );
    expect(codesIn(told.body)).toEqual([505]);
    for (const house of [all.houses.a, all.houses.b]) {
      const [peer] = await eventually('a reason', async () => {
        const peers = await house.peers();
        return peers[0]?.lastError?.includes('505') === true ? peers : undefined;
      });
      expect(peer?.session).not.toBe('up');
    }
  });
});
