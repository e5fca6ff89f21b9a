// Shared content together with groups, invitations, subscribed services and other networks, in a whole house.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAddressError, parseGroup, serviceAddress } from '../../../src/wv/address.ts';
import {
  trusted,
  type ClientId,
  type Domain,
  type GroupAddress,
  type MessageId,
  type UserAddress,
} from '../../../src/wv/ids.ts';
import type { Message, Party } from '../../../src/wv/message.ts';
import type { RequestPrimitive } from '../../../src/wv/primitives.ts';
import type { GroupState, Privilege } from '../../../src/store/store.ts';
import { ask, basic, type ShownItem } from '../../support/content-http.ts';
import { elements, users, VERSIONS } from '../../support/csp-variants.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { noisyJpeg } from '../../support/pictures.ts';

const HOME = trusted<Domain>('wv.test');
const FAR = trusted<Domain>('far.test');
const DAVE = trusted<UserAddress>('wv:dave@far.test');
const EVE = trusted<UserAddress>('wv:eve@far.test');
const LISTEN = { csp: { port: 0 }, ops: { port: 0 }, web: { port: 0 } };

const gateway = new FakeGateway('far.test', ['SendMessageRequest', 'DeliveryStatusReport']);
const photograph = (await noisyJpeg(480, 320, 92)).toString('base64');
const [, , habits] = VERSIONS[1];
let scene: Scene;
let serial = 0;

beforeAll(async () => {
  scene = await startScene({
    gateways: [gateway],
    config: { listen: LISTEN, content: { publicUrl: 'https://im.example.org' } },
  });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

function web(who: string, path: string, method = 'GET', body?: string, type = 'application/json') {
  const headers = { ...basic(who, 'sesame'), 'Content-Type': type };
  const question = body === undefined ? { method, headers } : { method, headers, body };
  return ask(scene.house.house.addresses.web?.port ?? 0, path, question);
}

const upload = async (who: string, area: string, name: string) =>
  (await web(who, `/content${area}/items?name=${name}`, 'POST', 'hello', 'text/plain')).json<ShownItem>();

async function group(owner: string, more: Partial<GroupState> = {}): Promise<GroupAddress> {
  const address = parseGroup(`${owner.replace('@', `/club${++serial}@`)}`, HOME);
  if (isAddressError(address)) throw new Error(address.reason);
  const state: GroupState = {
    address,
    owner: trusted<UserAddress>(owner),
    createdAt: 0,
    profile: { properties: {} },
    people: [],
    joined: [],
    rejected: [],
    ...more,
  };
  await scene.house.house.store.createGroup(state, { perOwner: 100, perServer: 1_000 });
  return address;
}

const settings = { autoJoin: false, privateMessaging: true, showId: false };
const person = (user: string, privilege?: Privilege) => ({
  user: trusted<UserAddress>(user),
  settings,
  ...(privilege === undefined ? {} : { privilege }),
});
const joined = (user: string) => ({
  user: trusted<UserAddress>(user),
  clientId: trusted<ClientId>('phone'),
  screenName: user.replace(/^wv:|@.*$/g, ''),
  subscribed: false,
});

describe('sharing', () => {
  it('invites with a link that works, and the link of who is refused does not', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [inviter, phone] = [await scene.online(ann, habits), await scene.online(bea, habits)];
    const item = await upload(ann, '', 'a.txt');
    const to = [bea, 'wv:nemo@wv.test'];
    const answer = await web(ann, '/content/invitations', 'POST', JSON.stringify({ item: item.id, to }));
    const { invited } = answer.json<{ invited: { to: string; code: number; url?: string }[] }>();
    expect(invited.map((each) => [each.to, each.code, each.url === undefined])).toEqual([
      [bea, 200, false],
      ['wv:nemo@wv.test', 531, true],
    ]);
    const [invitation] = await drain(phone);
    expect([invitation?.name, texts(invitation, 'InviteType')]).toEqual(['InviteUser-Request', ['SC']]);
    expect(texts(invitation, 'URL')).toEqual([invited[0]?.url]);
    const { pathname } = new URL(texts(invitation, 'URL')[0] ?? '');
    expect((await web(bea, pathname)).text).toBe('hello');
    const id = elements('InviteID', texts(invitation, 'InviteID')[0] ?? '');
    const reply = elements('InviteUser-Response', id + elements('Acceptance', 'T') + senderOf(ann));
    expect(codeOf(await phone.say(reply))).toBe(200);
    expect((await drain(inviter)).map(({ name }) => name)).toEqual(['Invite-Response']);
  });

  const senderOf = (user: string) => elements('Sender', elements('User', elements('UserID', user)));
});

describe('the area of a group', () => {
  it('is for its members; who moderates changes everything; visitors see nothing', async () => {
    const [ann, bea, cy, dan] = await scene.people('ann', 'bea', 'cy', 'dan');
    const people = [person(ann, 'Admin'), person(bea, 'User'), person(cy, 'Mod'), person(dan)];
    const area = `/groups/${encodeURIComponent(await group(ann, { people, joined: [joined(dan)] }))}`;
    const item = await upload(ann, area, 'a.txt');
    const path = `/content${area}/items/${item.id}`;
    expect((await web(bea, path)).text).toBe('hello');
    expect((await web(bea, path, 'DELETE')).status).toBe(403);
    expect((await web(dan, path)).status).toBe(404);
    expect((await web(cy, path, 'DELETE')).status).toBe(204);
  });
});

it('403 for users who have not subscribed to content; links work for everybody', async () => {
  const ann = await scene.person('ann');
  const item = await upload(ann, '', 'a.txt');
  const made = await web(ann, `/content/items/${item.id}/links`, 'POST', '{}');
  const { pathname } = new URL(made.json<{ url: string }>().url);
  await scene.house.house.store.setProfile(trusted<UserAddress>(ann), { services: ['im'] });
  expect((await web(ann, '/content/items')).status).toBe(403);
  expect((await web(ann, '/api/profile')).status).toBe(200);
  expect((await web(ann, pathname)).text).toBe('hello');
});

describe('an attachment too large for a queue', () => {
  const owner = serviceAddress(HOME);
  const sent = (from: number) =>
    gateway.requests.slice(from).filter((each) => each.primitive === 'SendMessageRequest');
  const whole = ({ content }: Message) => ({ data: content.data === photograph, stored: content.stored });

  function message(recipients: readonly Party[]): RequestPrimitive {
    const sentAt = scene.clock.now();
    return {
      primitive: 'SendMessageRequest',
      meta: { service: serviceAddress(FAR), user: DAVE },
      deliveryReport: false,
      message: {
        id: trusted<MessageId>(`far-${++serial}`),
        sender: { kind: 'user', user: DAVE },
        recipients,
        sentAt,
        expiresAt: sentAt + 3_600_000,
        content: { contentType: 'image/jpeg', encoding: 'base64', data: photograph },
      },
    };
  }

  it('of a group message is kept once; users of other networks get the octets', async () => {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const address = await group(ann, { joined: [bea, cy, DAVE, EVE].map(joined) });
    const { store } = scene.house.house;
    const [items, requests] = [(await store.contentUsage(owner)).items, gateway.requests.length];
    const answer = await gateway.port?.emit(message([{ kind: 'group', group: address }]));
    expect(answer?.result.code).toBe(200);
    expect((await store.contentUsage(owner)).items).toBe(items + 1);
    for (const user of [bea, cy]) {
      const [entry] = await store.queueOf(trusted<UserAddress>(user), 0, 5);
      const content = entry?.item.kind === 'message' ? entry.item.message.content : undefined;
      expect(content).toMatchObject({ data: '', stored: { bytes: Buffer.byteLength(photograph, 'base64') } });
    }
    expect(sent(requests).map((each) => whole(each.message))).toEqual([{ data: true, stored: undefined }]);
  });

  it('is forwarded to another network with its octets', async () => {
    const bea = await scene.person('bea');
    const phone = await scene.online(bea, habits);
    await phone.say(elements('SetDeliveryMethod-Request', elements('DeliveryMethod', 'N')));
    await gateway.port?.emit(message([{ kind: 'user', user: trusted<UserAddress>(bea) }]));
    const [notice] = await eventually('the announcement', async () => {
      const came = await drain(phone);
      return came.length > 0 ? came : undefined;
    });
    const requests = gateway.requests.length;
    const id = elements('MessageID', texts(notice, 'MessageID')[0] ?? '');
    const forward = elements('ForwardMessage-Request', id + elements('Recipient', users(EVE)));
    expect(codeOf(await phone.say(forward))).toBe(200);
    expect(sent(requests).map((each) => whole(each.message))).toEqual([{ data: true, stored: undefined }]);
  });
});
