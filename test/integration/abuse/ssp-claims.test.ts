// A peer speaks for its own domains and for nobody else's, and to ours alone (ssp.md section 2, rules 4 and 5; section
// 9): whatever it claims, whoever it names, and whatever it answers to.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HostileScene, type Pair } from '../../support/ssp/hostile-scene.ts';
import { transaction, type Hostile } from '../../support/ssp/hostile.ts';
import { meta, SSP_REQUESTS, type Who } from '../../support/ssp/ssp-requests.ts';

let scene: HostileScene;
let mallory: Hostile;
let hub: Hostile;
let pair: Pair;
let mine: Who;

beforeAll(async () => {
  scene = await HostileScene.start({
    hostile: {
      'mallory.test': {},
      'hub.test': { domains: ['behind-hub.test'] },
      'short.test': { services: ['im'] },
    },
  });
  [mallory, hub] = [scene.peer('mallory.test'), scene.peer('hub.test')];
  pair = await scene.pair();
  mine = who('mallory.test');
  await mallory.login();
  await hub.login();
  // The answer to a watcher is only for those who agree on it.
  const functions = ['IMSendFunc', 'IMReceiveFunc', 'InviteFunc', 'PresenceDeliverFunc', 'PresenceAuthFunc']
    .concat('GroupMgmtFunc', 'GroupUseFunc', 'GroupAuthFunc')
    .map((name) => `<${name}/>`)
    .join('');
  await mallory.ask(`<ServiceRequest><Functions>${functions}</Functions></ServiceRequest>`);
}, 30_000);
afterEach(() => scene.expectNoFaults());
afterAll(() => scene.stop());

function who(domain: string): Who {
  return {
    service: `wv:@${domain}`,
    user: `wv:eve@${domain}`,
    other: pair.receiverAddress,
    theirGroup: `wv:eve/club@${domain}`,
    ourGroup: 'wv:nobody/club@a.test',
  };
}

function requestOf(name: string, them: Who): string {
  const write = SSP_REQUESTS[name];
  if (write === undefined) throw new Error(name);
  return write(them);
}

const requests = Object.entries(SSP_REQUESTS);
const ALIEN = ['b.test', 'hub.test', 'a.test', 'nowhere.test'];
/** Nothing to the relay: a code of a service, for something that it does not have. */
const SERVED = [200, 201, 404, 423, 426, 531, 800, 808, 810, 816, 532, 534];

describe('in the name of another domain', () => {
  it.each(requests)('%s is answered 901: its service, its user', async (_name, write) => {
    for (const domain of ALIEN) {
      const own = write(mine);
      const service = own.replace(/serviceID="[^"]+"/, `serviceID="wv:@${domain}"`);
      expect(await mallory.ask(service), `service of ${domain}`).toBe(901);
      const asking = own.replace(/<Requestor(.*?)userID="[^"]+"/, `<Requestor$1userID="wv:eve@${domain}"`);
      expect(await mallory.ask(asking), `user of ${domain}`).toBe(901);
    }
  });

  it.each([
    [
      'the sender of a message',
      'SendMessageRequest',
      /<Sender>.*<\/Sender>/,
      '<Sender><User userID="wv:ann@b.test"/></Sender>',
    ],
    [
      'a group as sender',
      'SendMessageRequest',
      /<Sender>.*<\/Sender>/,
      '<Sender><GroupID groupID="wv:x/y@b.test"/></Sender>',
    ],
    [
      'a group member as sender',
      'SendMessageRequest',
      /<Sender>.*<\/Sender>/,
      '<Sender><GroupID groupID="wv:x/y@a.test"/><SenderDisplay><ScreenName groupID="wv:x/y@a.test">Bo</ScreenName></SenderDisplay></Sender>',
    ],
    [
      'who read a message',
      'DeliveryStatusReport',
      /<Sender>.*<\/Sender>/,
      '<Sender><User userID="wv:ann@b.test"/></Sender>',
    ],
    [
      'whose presence it is',
      'PresenceNotification',
      /<PresenceValue userID="[^"]+"/,
      '<PresenceValue userID="wv:ann@b.test"',
    ],
    [
      'who invites',
      'InviteRequest',
      /<Inviting>.*<\/Inviting>/,
      '<Inviting><User userID="wv:ann@b.test"/></Inviting>',
    ],
    [
      'who answers an invitation',
      'InviteResponse',
      /<Responding>.*<\/Responding>/,
      '<Responding><User userID="wv:ann@b.test"/></Responding>',
    ],
    [
      'who takes one back',
      'CancelInviteRequest',
      /<Canceling>.*<\/Canceling>/,
      '<Canceling><User userID="wv:ann@b.test"/></Canceling>',
    ],
    ['the group of a notice', 'GroupChangeNotice', /groupID="[^"]+"/, 'groupID="wv:x/y@b.test"'],
    ['our own group in a notice', 'GroupChangeNotice', /groupID="[^"]+"/, 'groupID="wv:x/y@a.test"'],
    ['the group that one is out of', 'LeaveGroupIndication', /groupID="[^"]+"/, 'groupID="wv:x/y@b.test"'],
  ] as const)('%s is answered 901', async (_what, name, part, other) => {
    const request = requestOf(name, mine);
    expect(request).toMatch(part);
    expect(await mallory.ask(request.replace(part, other))).toBe(901);
  });

  it('a copy out of a group says nothing of another group', async () => {
    const copy = (group: string) =>
      requestOf('SendMessageRequest', mine)
        .replace(/<Sender>.*<\/Sender>/, '<Sender><GroupID groupID="wv:eve/club@mallory.test"/></Sender>')
        .replace(
          '</Recipient>',
          `<RecipientDisplay><ScreenName groupID="${group}">Ann</ScreenName></RecipientDisplay></Recipient>`,
        );
    expect(await mallory.ask(copy('wv:bob/hikers@b.test'))).toBe(901);
    expect(await mallory.ask(copy('wv:bob/hikers@a.test'))).toBe(901);
    expect(await mallory.ask(copy('wv:eve/club@mallory.test'))).toBe(200);
  });

  it('one publisher of another domain spoils the notification', async () => {
    const request = requestOf('PresenceNotification', mine);
    const second = '<PresenceValue userID="wv:ann@b.test"><PresenceSubList/></PresenceValue>';
    expect([901, 201]).toContain(
      await mallory.ask(request.replace('</PresenceNotification>', `${second}</PresenceNotification>`)),
    );
  });

  it('notices without MetaInfo are measured by what they say', async () => {
    for (const name of [
      'PresenceNotification',
      'GroupChangeNotice',
      'LeaveGroupIndication',
      'SendMessageRequest',
    ]) {
      const anonymous = (domain: string) =>
        requestOf(name, who(domain)).replace(/<MetaInfo.*<\/MetaInfo>/, '');
      expect(await mallory.ask(anonymous('b.test')), name).toBe(901);
      expect(SERVED, name).toContain(await mallory.ask(anonymous('mallory.test')));
    }
  });

  it('a hub speaks for what is behind it, and for no third domain', async () => {
    const message = (domain: string) => requestOf('SendMessageRequest', who(domain));
    expect(await hub.ask(message('hub.test'))).toBe(200);
    expect(await hub.ask(message('behind-hub.test'))).toBe(200);
    expect(await hub.ask(message('mallory.test'))).toBe(901);
    expect(await mallory.ask(message('behind-hub.test'))).toBe(901);
  });

  it('within the right domain it is the peer who knows his users', async () => {
    const request = requestOf('SendMessageRequest', mine);
    const other = request.replace(
      /<Sender>.*<\/Sender>/,
      '<Sender><User userID="wv:another@mallory.test"/></Sender>',
    );
    expect(await mallory.ask(other)).toBe(200);
  });
});

describe('for a third domain', () => {
  it.each(requests)('%s is answered 516', async (_name, write) => {
    for (const domain of ['b.test', 'mallory.test', 'nowhere.test']) {
      const request = write({ ...mine, other: `wv:ann@${domain}`, ourGroup: `wv:x/y@${domain}` });
      expect(await mallory.ask(request), domain).toBe(516);
    }
  });

  it('a message is answered 516 for a group there and a name in it, and 201 where others are ours', async () => {
    const request = requestOf('SendMessageRequest', mine);
    const codes = {
      '<Recipient><GroupID groupID="wv:x/y@b.test"/></Recipient>': 516,
      '<Recipient><ScreenName groupID="wv:x/y@b.test">Bo</ScreenName></Recipient>': 516,
      [`<Recipient><User userID="${mine.other}"/></Recipient><Recipient><User userID="wv:ann@b.test"/></Recipient>`]: 201,
    };
    for (const [recipient, code] of Object.entries(codes))
      expect(await mallory.ask(request.replace(/<Recipient>.*<\/Recipient>/, recipient))).toBe(code);
  });
});

describe('without somebody who asks', () => {
  it.each(
    requests.filter(
      ([name]) =>
        /Group(?!ChangeNotice)|MemberAccess|RejectList/.test(name) && name !== 'LeaveGroupIndication',
    ),
  )('%s changes nothing', async (_name, write) => {
    const request = write(mine).replace(/<User userID="wv:eve@mallory.test"\/>/, '');
    const code = await mallory.ask(request);
    expect(code).toBeGreaterThanOrEqual(400);
    expect(code).not.toBe(500);
  });
});

describe('answers', () => {
  it('of another peer to what it was not asked are nothing', async () => {
    const sent = pair.receiver.sendMessage({
      to: { user: 'wv:vic@hub.test' },
      content: 'hi',
      deliveryReport: true,
    });
    const report = pair.receiver.next('report', undefined, 20_000);
    const document = await hub.hears(/SendMessageRequest/);
    const id = /transactionID="([^"]+)"><SendMessageRequest/.exec(document)?.[1] ?? '';
    const refusal = (message: string) =>
      transaction(
        'Response',
        id,
        `<SendMessageResponse messageID="${message}"><Status code="531"/></SendMessageResponse>`,
      );
    const { id: messageId = '' } = await sent;
    for (let n = 0; n < 3; n += 1) expect(await mallory.say(refusal(messageId))).toBe(200);
    // The right one answers once; what he says then is too late.
    const answer = transaction(
      'Response',
      id,
      `<SendMessageResponse messageID="${messageId}"><Status code="532"/></SendMessageResponse>`,
    );
    expect(await hub.say(`${answer}${refusal(messageId)}${answer}`)).toBe(200);
    expect(await report).toMatchObject({ outcome: { code: 532 } });
    expect(await hub.say(refusal(messageId))).toBe(200);
  });

  it('to nobody, of any kind, are taken and nothing more', async () => {
    const from = mallory.received.length;
    for (const primitive of [
      '<Status code="604"/>',
      '<Status code="600"/>',
      '<Nonsense/>',
      '<SendMessageResponse/>',
      '<JoinGroupResponse><Status code="200"/></JoinGroupResponse>',
      '<KeepAliveResponse/>',
      '<ServiceResponse/>',
      '',
    ])
      for (const id of ['x', '__proto__', 'constructor', '', 'x'.repeat(1000)])
        expect(await mallory.say(transaction('Response', id, primitive))).toBe(200);
    expect(await mallory.ask('<KeepAliveRequest/>')).toBe(200);
    expect(mallory.received.slice(from).filter((each) => each.includes('mode="Request"'))).toEqual([]);
  });
});

it('answers 405 to what no server may ask, 506 to what is not agreed, and stays up', async () => {
  for (const name of [
    'CreateGroupRequest',
    'SearchRequest',
    'GetListRequest',
    'UpdatePresenceRequest',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(5000),
  ])
    expect(await mallory.ask(`<${name}>${meta(mine)}</${name}>`)).toBe(405);
  const short = scene.peer('short.test');
  await short.login();
  expect(await short.ask(requestOf('SubscribeRequest', who('short.test')))).toBe(506);
  expect(await short.ask(requestOf('SendMessageRequest', who('short.test')))).toBe(200);
});
