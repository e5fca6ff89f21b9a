// Pictures in messages over the wire: what a phone gets of a photograph of 4 MB, by what it said it takes.

import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import { trusted, type Domain, type MessageId, type UserAddress } from '../../../src/wv/ids.ts';
import type { ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import { elements, sendMessage, VERSIONS } from '../../support/csp-variants.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { noisyJpeg, plainPicture } from '../../support/pictures.ts';

const PUBLIC = 'https://im.example.org';
const DAVE = trusted<UserAddress>('wv:dave@far.test');

const photograph = await noisyJpeg();
const gateway = new FakeGateway('far.test', ['SendMessageRequest', 'DeliveryStatusReport']);
let scene: Scene;
let serial = 0;

beforeAll(async () => {
  scene = await startScene({
    gateways: [gateway],
    config: { content: { publicUrl: PUBLIC, maxMessage: 6_000_000, messageQuota: 300_000_000 } },
  });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

interface Takes {
  readonly length?: number;
  readonly parser?: number;
  readonly types?: readonly string[];
  readonly method?: 'P' | 'N';
}

function capability({ length, parser, types = [], method = 'P' }: Takes, version: string): string {
  const named = types.map((type) =>
    elements('AcceptedContentType', version === '1.3' ? elements('ContentType', type) : type),
  );
  const number = (name: string, value: number | undefined) =>
    value === undefined ? '' : elements(name, String(value));
  // 1.3 has AcceptedPushLength in the place of AcceptedContentLength.
  const lengthName = version === '1.3' ? 'AcceptedPushLength' : 'AcceptedContentLength';
  const list =
    elements('InitialDeliveryMethod', method) +
    named.join('') +
    number(lengthName, length) +
    elements('SupportedBearer', 'HTTP') +
    number('ParserSize', parser);
  return elements('ClientCapability-Request', elements('CapabilityList', list));
}

/** A picture as a gateway hands it in. */
async function handIn(to: string, octets: Buffer, contentType = 'image/jpeg'): Promise<ResponsePrimitive> {
  const id = trusted<MessageId>(`far-${++serial}`);
  const sentAt = scene.clock.now();
  const answer = await gateway.port?.emit({
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(trusted<Domain>('far.test')), user: DAVE },
    deliveryReport: false,
    message: {
      id,
      sender: { kind: 'user', user: DAVE },
      recipients: [{ kind: 'user', user: trusted<UserAddress>(to) }],
      sentAt,
      expiresAt: sentAt + 3_600_000,
      content: { contentType, encoding: 'base64', data: octets.toString('base64') },
    },
  });
  if (answer === undefined) throw new Error('the gateway was not started');
  return answer;
}

async function phoneThatTakes(takes: Takes, habits: Habits, version: string): Promise<[Phone, string]> {
  const bea = await scene.person('bea');
  return [await scene.online(bea, habits, { capability: capability(takes, version) }), bea];
}

/** The next message or notification. */
function next(phone: Phone): Promise<Element> {
  return eventually('a message', async () => (await drain(phone))[0], 15_000);
}

function told(message: Element | undefined) {
  const [data = ''] = texts(message, 'ContentData');
  return {
    name: message?.name,
    id: texts(message, 'MessageID')[0] ?? '',
    type: texts(message, 'ContentType')[0],
    encoding: texts(message, 'ContentEncoding')[0],
    size: Number(texts(message, 'ContentSize')[0]),
    data,
    octets: Buffer.from(data, 'base64'),
  };
}

const getMessage = (id: string) => elements('GetMessage-Request', elements('MessageID', id));

describe.each(VERSIONS)('a photograph of 4 MB to a phone of CSP %s (%s)', (version, _encoding, habits) => {
  it('AcceptedContentLength 10,000: a JPEG under that size, and MessageInfo tells the truth about it', async () => {
    const [phone, bea] = await phoneThatTakes({ length: 10_000 }, habits, version);
    expect((await handIn(bea, photograph)).result.code).toBe(200);
    const { name, type, encoding, size, octets } = told(await next(phone));
    expect({ name, type, encoding }).toEqual({ name: 'NewMessage', type: 'image/jpeg', encoding: 'BASE64' });
    expect(octets.length).toBeLessThanOrEqual(10_000);
    expect(size).toBe(octets.length);
    const { info } = await sharp(octets).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBeGreaterThan(100);
    expect((await drain(phone)).length).toBe(0);
  });

  it('ParserSize bounds it too, whole message and all', async () => {
    const [phone, bea] = await phoneThatTakes({ length: 100_000, parser: 8_000 }, habits, version);
    await handIn(bea, photograph);
    const { name, octets } = told(await next(phone));
    expect(name).toBe('NewMessage');
    expect(octets.length).toBeGreaterThan(1_000);
    for (const { body } of phone.heard) expect(body.length).toBeLessThanOrEqual(8_000);
  });

  it('types of pictures that it lists', async () => {
    const types = ['text/plain', 'image/gif'];
    const [phone, bea] = await phoneThatTakes({ length: 9_000, types }, habits, version);
    await handIn(bea, photograph);
    const { name, type, octets } = told(await next(phone));
    expect({ name, type }).toEqual({ name: 'NewMessage', type: 'image/gif' });
    expect(octets.subarray(0, 4).toString()).toBe('GIF8');
    expect(octets.length).toBeLessThanOrEqual(9_000);
  });

  it('no type of picture listed: a text with a link', async () => {
    const [phone, bea] = await phoneThatTakes({ length: 9_000, types: ['text/plain'] }, habits, version);
    await handIn(bea, photograph);
    const { name, type, encoding, size, data } = told(await next(phone));
    expect({ name, type, encoding }).toEqual({ name: 'NewMessage', type: 'text/plain', encoding: 'None' });
    expect(data).toMatch(/^image\/jpeg, \d\.\d MB: https:\/\/im\.example\.org\/c\/[\w-]{24}\/[\w.]+\.jpg$/);
    expect(size).toBe(data.length);
  });

  it('delivery method N: announced as it is; GetMessage gives the original where the parser takes it', async () => {
    const [phone, bea] = await phoneThatTakes({ method: 'N' }, habits, version);
    await handIn(bea, photograph);
    const announced = told(await next(phone));
    expect(announced).toMatchObject({
      name: 'MessageNotification',
      type: 'image/jpeg',
      size: photograph.length,
    });
    const original = told((await phone.say(getMessage(announced.id))).content);
    expect(original.octets.equals(photograph)).toBe(true);
    expect(original.size).toBe(photograph.length);
    await phone.say(capability({ method: 'N', parser: 20_000 }, version));
    const smaller = told((await phone.say(getMessage(announced.id))).content);
    expect(smaller.octets.length).toBeLessThan(15_000);
    expect(smaller.size).toBe(smaller.octets.length);
  });

  it('432 where nothing fits the parser', async () => {
    const [phone, bea] = await phoneThatTakes({ parser: 1_500 }, habits, version);
    await handIn(bea, photograph);
    const announced = told(await next(phone));
    expect(announced.name).toBe('MessageNotification');
    expect(codeOf(await phone.say(getMessage(announced.id)))).toBe(432);
  });

  it('what is no picture, whatever it says, is announced', async () => {
    const [phone, bea] = await phoneThatTakes({ length: 10_000 }, habits, version);
    await handIn(bea, Buffer.alloc(200_000, 'no picture'));
    expect(told(await next(phone))).toMatchObject({ name: 'MessageNotification', size: 200_000 });
  });

  it('one that fits goes as it is', async () => {
    const [phone, bea] = await phoneThatTakes({ length: 10_000 }, habits, version);
    const small = await plainPicture('png');
    await handIn(bea, small, 'image/png');
    expect(told(await next(phone)).octets.equals(small)).toBe(true);
  });
});

const [, , habits] = VERSIONS[1];
const [, , xml] = VERSIONS[0];

it('a client of ours may send a picture as large as its request may be', async () => {
  const [phone, bea] = await phoneThatTakes({ length: 5_000 }, habits, '1.2');
  const sender = await scene.online(await scene.person('ann'), xml);
  const picture = await noisyJpeg(480, 320, 92);
  const info = elements('ContentType', 'image/jpeg') + elements('ContentEncoding', 'BASE64');
  const sent = await sender.say(sendMessage(picture.toString('base64'), [bea], { info }));
  expect([picture.length > 131_072, codeOf(sent)]).toEqual([true, 200]);
  const { type, octets } = told(await next(phone));
  expect(type).toBe('image/jpeg');
  expect(octets.length).toBeLessThanOrEqual(5_000);
});

it('messages of one sender keep their order; others do not wait for a picture', async () => {
  const [phone, bea] = await phoneThatTakes({ length: 10_000 }, habits, '1.2');
  const sender = await scene.online(await scene.person('ann'), habits);
  await handIn(bea, photograph);
  await handIn(bea, Buffer.from('hello'), 'text/plain');
  await sender.say(sendMessage('not behind the picture', [bea]));
  const came: Element[] = [];
  await eventually('three messages', async () => {
    came.push(...(await drain(phone)));
    return came.length === 3;
  });
  const order = came.map((message) => texts(message, 'ContentType')[0]);
  const far = came.filter(
    (message) => texts(message, 'Sender').length >= 0 && texts(message, 'UserID').includes(DAVE),
  );
  expect(order.filter((type) => type === 'image/jpeg')).toHaveLength(1);
  expect(far.map((message) => texts(message, 'ContentType')[0])).toEqual(['image/jpeg', 'text/plain']);
});

it('the message waits for who is offline, over a restart, and becomes what the next phone takes', async () => {
  const bea = await scene.person('bea');
  await handIn(bea, photograph);
  await scene.restart();
  const phone = await scene.online(bea, habits, { capability: capability({ length: 7_000 }, '1.2') });
  const { name, octets } = told(await next(phone));
  expect(name).toBe('NewMessage');
  expect(octets.length).toBeLessThanOrEqual(7_000);
});

it('415 for one that is too large, and a repeat takes no more room', async () => {
  const bea = await scene.person('bea');
  const large = Buffer.concat([photograph, Buffer.alloc(3_000_000)]);
  expect((await handIn(bea, large)).result.code).toBe(415);
  const { store } = scene.house.house;
  const owner = serviceAddress(trusted<Domain>('wv.test'));
  await handIn(bea, photograph);
  const before = await store.contentUsage(owner);
  serial -= 1;
  expect((await handIn(bea, photograph)).result.code).toBe(200);
  expect(await store.contentUsage(owner)).toEqual(before);
});

it('goes when its message expires', async () => {
  const bea = await scene.person('bea');
  const owner = serviceAddress(trusted<Domain>('wv.test'));
  const { store } = scene.house.house;
  await handIn(bea, photograph);
  scene.clock.advance(15 * 86_400_000);
  await eventually('no originals are left', async () => {
    scene.clock.advance(10_000);
    return (await store.contentUsage(owner)).items === 0;
  });
});

it('507 when there is no more room for attachments', async () => {
  const bea = await scene.person('bea');
  const { store } = scene.house.house;
  const owner = serviceAddress(trusted<Domain>('wv.test'));
  const limits = { items: 1e9, bytes: 1e9 };
  const filler = {
    id: 'filler',
    owner,
    name: 'filler',
    type: 'a/b',
    sha256: '',
    createdAt: 0,
    size: 299_000_000,
  };
  await store.addContent(filler, { replace: false, limits });
  expect((await handIn(bea, photograph)).result.code).toBe(507);
  await store.deleteContent('filler');
  expect((await handIn(bea, photograph)).result.code).toBe(200);
});
