// What an invited client is told of who invites.

import { expect, test } from 'vitest';
import { composeNotice } from '../../../src/access/csp/compose-notice.ts';
import { CspSession } from '../../../src/access/csp/session.ts';
import { serviceAddress, userAddress } from '../../../src/wv/address.ts';
import type { Element } from '../../../src/wv/element.ts';
import { trusted, type ClientId, type SessionId } from '../../../src/wv/ids.ts';
import type { InviteRequest } from '../../../src/wv/primitives.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const romeo = userAddress('romeo', FAR);
const ann = userAddress('ann', HOME);

async function friendlyNames(version: CspVersion, changes: Partial<InviteRequest>): Promise<string[]> {
  const { at } = await homeScene();
  const session = new CspSession({
    id: trusted<SessionId>('s'),
    home: await at('ann'),
    clientId: trusted<ClientId>('c'),
    cookie: '',
    version,
    keepAlive: 60,
    since: 0,
    remoteAddress: '',
  });
  const invitation: InviteRequest = {
    primitive: 'InviteRequest',
    meta: { service: serviceAddress(FAR), user: romeo, friendlyName: 'Romeo Montague' },
    inviteId: 'i',
    inviteType: 'IM',
    inviting: { kind: 'user', user: romeo },
    invited: { kind: 'user', user: ann },
    validity: 60,
    ...changes,
  };
  const found = (element: Element): string[] =>
    element.name === 'FriendlyName' ? [element.text] : element.children.flatMap(found);
  return found(composeNotice(session, invitation, 60));
}

test('a 1.3 client is told what the sender is called', async () => {
  expect(await friendlyNames('1.3', {})).toEqual(['Romeo Montague']);
});

test.each(['1.1', '1.2'] as const)('%s has no place for it', async (version) => {
  expect(await friendlyNames(version, {})).toEqual([]);
});

test('the name is not given to somebody else', async () => {
  const other = { kind: 'user', user: userAddress('tybalt', FAR) } as const;
  expect(await friendlyNames('1.3', { inviting: other })).toEqual([]);
});
