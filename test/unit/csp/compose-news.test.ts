// News of groups in the words of a client: long notices are split so that its parser can take them.

import { expect, it } from 'vitest';
import { compose } from '../../../src/access/csp/compose.ts';
import type { Outbound } from '../../../src/access/csp/outbound.ts';
import { CspSession } from '../../../src/access/csp/session.ts';
import { xmlSize } from '../../../src/access/csp/xml-size.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import { trusted, type ClientId, type GroupAddress, type SessionId } from '../../../src/wv/ids.ts';
import type { Element } from '../../../src/wv/element.ts';
import type { GroupChangeNotice } from '../../../src/wv/primitives.ts';
import { HOME, homeScene } from '../../support/home-scene.ts';

async function sessionWith(parserSize: number): Promise<CspSession> {
  const { at } = await homeScene();
  const session = new CspSession({
    id: trusted<SessionId>('s'),
    home: await at('ann'),
    clientId: trusted<ClientId>('c'),
    cookie: '',
    version: '1.2',
    keepAlive: 60,
    since: 0,
    remoteAddress: '',
  });
  session.capabilities = { ...session.capabilities, parserSize };
  return session;
}

function notice(names: number): GroupChangeNotice {
  const mappings = (letter: string) =>
    Array.from({ length: names }, (_, n) => ({ screenName: `${letter}${n}` }));
  return {
    primitive: 'GroupChangeNotice',
    meta: { service: serviceAddress(HOME) },
    group: trusted<GroupAddress>('wv:ann/g@wv.test'),
    recipients: [],
    joined: mappings('joined'),
    left: mappings('left'),
    properties: [{ name: 'Topic', value: 'Launch' }],
  };
}

const namesIn = (element: Element): string[] =>
  element.name === 'SName' ? [element.text] : element.children.flatMap(namesIn);

/** Everything that is told, piece by piece. */
function told(session: CspSession, news: GroupChangeNotice): Element[] {
  const pieces: Element[] = [];
  let outbound: Outbound | undefined = { kind: 'news', news };
  while (outbound !== undefined) {
    const composed = compose(session, outbound, 0);
    pieces.push(composed.content);
    outbound = composed.rest;
  }
  return pieces;
}

it('a notice that fits is one', async () => {
  expect(told(await sessionWith(65_536), notice(5))).toHaveLength(1);
});

it('a longer one comes in pieces that fit, with nothing lost and nothing twice', async () => {
  const pieces = told(await sessionWith(2_000), notice(40));
  expect(pieces.length).toBeGreaterThan(3);
  for (const piece of pieces) expect(xmlSize(piece)).toBeLessThanOrEqual(1_300);
  const names = pieces.flatMap(namesIn);
  expect(names).toHaveLength(80);
  expect(new Set(names).size).toBe(80);
  const properties = pieces.filter(({ children }) => children.some(({ name }) => name === 'GroupProperties'));
  expect(properties).toHaveLength(1);
});

it('what cannot be split goes out however long it is', async () => {
  expect(told(await sessionWith(512), { ...notice(1), properties: [] })).not.toHaveLength(0);
});
