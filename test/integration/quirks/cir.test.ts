// What real phones need of CIR: client-quirks section 7, row by row, against the whole house.

import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childText } from '../../../src/wv/element.ts';
import { android, s60 } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import { Caller } from '../../unit/cir/sockets.ts';
import { eventually } from '../../support/eventually.ts';
import { attribute, codeOf, drain, pollOnly, startScene, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
const callers: Caller[] = [];
beforeEach(async () => {
  scene = await startScene({
    config: {
      login: { userBurst: 1000, sourceBurst: 1000 },
      listen: { csp: { port: 0 }, cir: { tcp: { port: 0 }, udp: true }, ops: { port: 0 } },
    },
  });
});
afterEach(async () => {
  for (const caller of callers.splice(0)) caller.socket.destroy();
  await scene.stop();
});

const CALL = 'WVCI 1.2 the-cookie\r\n';
/** Longer than the pause between two lines to one client, shorter than anything else. */
const MOMENT_MS = 200;

function line(): Caller {
  const caller = new Caller(scene.house.house.addresses.stcp?.port ?? 0);
  callers.push(caller);
  return caller;
}

/** Lets lines that wait for their pause go out, until `caller` heard exactly this. */
async function hears(caller: Caller, text: string): Promise<void> {
  await eventually(`${JSON.stringify(text)}; heard ${JSON.stringify(caller.text)}`, () => {
    scene.clock.advance(MOMENT_MS);
    return caller.text === text;
  });
}

/** A phone whose cookie is `the-cookie`, after negotiation. */
async function reachable(user: string, habits: Habits = HABITS.android): Promise<Phone> {
  const phone = scene.phone(habits);
  await phone.say(
    `<Login-Request><UserID>${user}</UserID><TimeToLive>86400</TimeToLive><SessionCookie>the-cookie</SessionCookie>` +
      '<Password>sesame</Password></Login-Request>',
  );
  expect((await phone.say(android.capability())).xml).toContain('<SupportedCIRMethod>STCP');
  return phone;
}

async function attached(phone: Phone): Promise<Caller> {
  const caller = line();
  caller.say(`HELO ${phone.sessionId}\r\n`);
  await hears(caller, 'OK\r\n');
  return caller;
}

describe.each([HABITS.android, HABITS.androidWbxml])('cir by TCP of a phone in $encoding', (habits) => {
  it('[A,S] HELO with the SessionID gets OK; PING, with or without a blank, gets OK', async () => {
    const phone = await reachable(await scene.person(), habits);
    const caller = await attached(phone);
    caller.say('PING \r\n');
    await hears(caller, 'OK\r\nOK\r\n');
    caller.say('PING\r\n');
    await hears(caller, 'OK\r\nOK\r\nOK\r\n');
    expect(caller.chunks).toEqual(['OK\r\n', 'OK\r\n', 'OK\r\n']);
  });

  it('WVCI carries version and SessionCookie, and comes when the queue becomes non-empty', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    const phone = await reachable(bea, habits);
    const caller = await attached(phone);
    await sender.say(android.sendMessage(ann, bea, 'hi'));
    await hears(caller, `OK\r\n${CALL}`);
    const heard = await pollOnly(phone);
    expect(childText(heard.content, 'ContentData')).toBe('hi');
    expect(heard.transactions[0]?.id).not.toBe('');
    await phone.acknowledge(heard);
    await sender.say(android.sendMessage(ann, bea, 'more'));
    await hears(caller, `OK\r\n${CALL}${CALL}`);
  });
});

describe('cir by TCP', () => {
  it('MUST [S] each WVCI line comes in a write of its own, not glued behind OK', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    await sender.say(android.sendMessage(ann, bea, 'waiting already'));
    const caller = line();
    caller.say(`HELO ${phone.sessionId}\r\n`);
    await hears(caller, `OK\r\n${CALL}`);
    expect(caller.chunks).toEqual(['OK\r\n', CALL]);
  });

  it('HELO with an unknown SessionID is closed', async () => {
    const caller = line();
    caller.say('HELO nobody\r\n');
    await caller.isClosed();
    expect(caller.text).toBe('');
  });

  it('the new connection of a session wins', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    const old = await attached(phone);
    const caller = await attached(phone);
    await old.isClosed();
    await sender.say(android.sendMessage(ann, bea, 'hi'));
    await hears(caller, `OK\r\n${CALL}`);
  });

  it('[A] reconnects with the same SessionID, and polls', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    (await attached(phone)).socket.destroy();
    await sender.say(android.sendMessage(ann, bea, 'hi'));
    const caller = line();
    caller.say(`HELO ${phone.sessionId}\r\n`);
    await hears(caller, `OK\r\n${CALL}`);
    expect(await drain(phone)).toHaveLength(1);
  });

  it('is called once for several messages, and again while it does not come', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    const caller = await attached(phone);
    for (const text of ['one', 'two']) await sender.say(android.sendMessage(ann, bea, text));
    await hears(caller, `OK\r\n${CALL}`);
    scene.clock.advance(20_000);
    expect(caller.text).toBe(`OK\r\n${CALL}`);
    scene.clock.advance(30_000);
    await hears(caller, `OK\r\n${CALL}${CALL}`);
  });

  it('[A] is called again when it does not follow the Poll flag of what it fetched', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    const caller = await attached(phone);
    for (const text of ['one', 'two']) await sender.say(android.sendMessage(ann, bea, text));
    await hears(caller, `OK\r\n${CALL}`);
    expect((await pollOnly(phone)).poll).toBe(true);
    scene.clock.advance(46_000);
    await hears(caller, `OK\r\n${CALL}${CALL}`);
  });

  it('[A] is called for a message that it fetched and did not acknowledge', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    const caller = await attached(phone);
    await sender.say(android.sendMessage(ann, bea, 'one'));
    await hears(caller, `OK\r\n${CALL}`);
    await pollOnly(phone);
    scene.clock.advance(50_000);
    await hears(caller, `OK\r\n${CALL}`);
    scene.clock.advance(15_000);
    await hears(caller, `OK\r\n${CALL}${CALL}`);
    expect(await drain(phone)).toHaveLength(1);
    scene.clock.advance(300_000);
    await hears(caller, `OK\r\n${CALL}${CALL}`);
  });

  it('[A] a poll right after WVCI is answered, however soon after the last one', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await reachable(bea);
    const caller = await attached(phone);
    expect(await drain(phone)).toEqual([]);
    await sender.say(android.sendMessage(ann, bea, 'now'));
    await hears(caller, `OK\r\n${CALL}`);
    expect(await drain(phone)).toHaveLength(1);
  });

  it('is called for presence too', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, HABITS.android);
    await publisher.say(android.authorize(bea, true));
    const phone = await reachable(bea);
    await phone.say(
      `<SubscribePresence-Request><User><UserID>${ann}</UserID></User></SubscribePresence-Request>`,
    );
    await drain(phone);
    const caller = await attached(phone);
    await publisher.say(android.updateStatus('1.2', 'AVAILABLE', 'new'));
    await hears(caller, `OK\r\n${CALL}`);
    const { content } = await pollOnly(phone);
    expect(attribute(content, ann, 'StatusText')).toBe('new');
  });

  it('[A] PING alone keeps the session alive', async () => {
    const phone = await reachable(await scene.person());
    const caller = await attached(phone);
    for (let heard = 'OK\r\n', i = 0; i < 80; i++) {
      scene.clock.advance(1_200_000);
      caller.say('PING \r\n');
      heard += 'OK\r\n';
      await hears(caller, heard);
    }
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });
});

describe('cir by UDP', () => {
  it('[S] one datagram that begins with WVCI, to the UDPPort of the client', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const heard: string[] = [];
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    socket.on('message', (data) => heard.push(data.toString('latin1')));
    try {
      const sender = await scene.online(ann, HABITS.android);
      const phone = scene.phone(HABITS.s60);
      await phone.say(s60.login(bea, 'sesame', HABITS.s60.clientId));
      const port = `<UDPPort>${socket.address().port}</UDPPort>`;
      const wishes = s60.capability(HABITS.s60.clientId, 'SUDP');
      const agreed = await phone.say(wishes.replace('<ServerPollMin>', `${port}<ServerPollMin>`));
      expect(agreed.xml).toContain('<SupportedCIRMethod>SUDP</SupportedCIRMethod>');
      await sender.say(android.sendMessage(ann, bea, 'hi'));
      await eventually('a datagram', () => heard.length > 0);
      expect(heard).toEqual(['WVCI 1.1 s60cookie']);
      expect(await drain(phone)).toHaveLength(1);
    } finally {
      socket.close();
    }
  });
});
