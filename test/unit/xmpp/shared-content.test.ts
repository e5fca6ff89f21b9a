// Invitations to shared content as texts with links.

import { beforeEach, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { isSharedContent, shareContent } from '../../../adapters/xmpp/shared-content.ts';
import { childOf, elementsOf, textOf } from '../../../adapters/xmpp/xml.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import type { InviteRequest } from '../../../src/wv/primitives.ts';
import { ALICE_JID, BOB, ChatScene } from '../../support/xmpp-chat.ts';
import { HOME } from '../../support/xmpp-relay.ts';

let chat: ChatScene;
beforeEach(() => {
  chat = new ChatScene();
});

const invitation = (changes: Partial<InviteRequest> = {}): InviteRequest => ({
  primitive: 'InviteRequest',
  meta: { service: serviceAddress(HOME), user: chat.alice },
  inviteId: 'i1',
  inviteType: 'SC',
  inviting: { kind: 'user', user: chat.alice },
  invited: { kind: 'user', user: BOB },
  urls: ['http://a.example/1', 'http://a.example/2'],
  note: 'Look!',
  ...changes,
});
const share = async (changes: Partial<InviteRequest> = {}) =>
  (await shareContent(chat.bridge, invitation(changes))).result.code;

test('the note and each URL are text, and each URL a link beside it', async () => {
  expect(await share()).toBe(200);
  const [stanza] = chat.bridge.link.sent;
  if (stanza === undefined) throw new Error('nothing was sent');
  expect(stanza.attrs).toMatchObject({ type: 'chat', from: ALICE_JID, to: 'bob@xmpp.example' });
  expect(textOf(childOf(stanza, 'body'))).toBe('Look!\nhttp://a.example/1\nhttp://a.example/2');
  const links = elementsOf(stanza).filter(({ ns }) => ns === NS.oob);
  expect(links.map((link) => textOf(childOf(link, 'url')))).toEqual([
    'http://a.example/1',
    'http://a.example/2',
  ]);
});

test('nothing to share, no stream and no person to share with are refused', async () => {
  expect(await share({ urls: [], note: ' ' })).toBe(402);
  expect(await share({ invited: { kind: 'group', group: 'wv:/g@xmpp.example' as never } })).toBe(405);
  chat.bridge.link.confirms = false;
  expect(await share()).toBe(503);
  chat.bridge.link.writable = false;
  expect(await share()).toBe(503);
});

test('other invitations are no shared content', () => {
  expect(isSharedContent(invitation())).toBe(true);
  expect(isSharedContent(invitation({ inviteType: 'IM' }))).toBe(false);
});
