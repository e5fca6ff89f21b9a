// CIR over TCP under fire, against the whole house: whatever comes in there, the session is unaffected.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/ops/clock.ts';
import { Chance, RememberedLog, watchForUncaught, Wire } from '../../support/abuse.ts';
import type { TestHouse } from '../../support/house.ts';
import { android } from '../../support/phone-messages.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Phone } from '../../support/phone.ts';

const remembered = new RememberedLog();
let scene: Scene;
let port: number;
let checkUncaught: () => void;
const wires: Wire[] = [];

beforeAll(async () => {
  checkUncaught = watchForUncaught();
  scene = await startScene({ log: remembered.log, clock: systemClock });
  port = stcpPort(scene.house);
});
afterEach(() => {
  for (const wire of wires.splice(0)) wire.drop();
  scene.closePhones();
  expect(remembered.errors()).toEqual([]);
});
afterAll(async () => {
  await scene.stop();
  checkUncaught();
});

function stcpPort({ house }: TestHouse): number {
  if (house.addresses.stcp === undefined) throw new Error('this house has no STCP');
  return house.addresses.stcp.port;
}

async function call(): Promise<Wire> {
  const opened = await Wire.open(port);
  wires.push(opened);
  return opened;
}

async function online(): Promise<Phone> {
  return scene.online(await scene.person(), HABITS.android, { capability: android.capability('STCP') });
}

/** The session answers, and its channel still calls. */
async function expectReachable(phone: Phone, channel: Wire, text: string): Promise<void> {
  const friend = await scene.person();
  const other = await scene.online(friend, HABITS.android);
  const owner = await ownerOf(phone);
  expect(codeOf(await other.say(android.sendMessage(friend, owner, text)))).toBe(200);
  await channel.hears('WVCI 1.2 cookie_');
  expect((await phone.poll()).xml).toContain(text);
}

async function ownerOf(phone: Phone): Promise<string> {
  const session = (await scene.house.house.store.allSessions()).find(({ id }) => id === phone.sessionId);
  if (session === undefined) throw new Error('no session');
  return session.user;
}

/** Connections that the house says it has. */
async function connections(): Promise<number> {
  const { text } = await scene.house.house.metrics.expose();
  return Number(/^wvgate_cir_connections (\d+)$/m.exec(text)?.[1]);
}

async function greeted(phone: Phone): Promise<Wire> {
  const channel = await call();
  channel.send(`HELO ${phone.sessionId}\r\n`);
  await channel.hears('OK\r\n');
  return channel;
}

describe('STCP under fire', () => {
  it('garbage on other connections does not reach the session', async () => {
    const chance = new Chance(4);
    const phone = await online();
    const channel = await greeted(phone);
    for (let i = 0; i < 100; i += 1) {
      const stranger = await call();
      stranger.send(chance.octets(chance.below(3000)));
      if (chance.below(2) === 0) stranger.reset();
    }
    await expectReachable(phone, channel, 'through the noise');
  });

  it('garbage on its own connection is ignored, line by line', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    const chance = new Chance(5);
    for (let i = 0; i < 50; i += 1) {
      channel.send(Buffer.concat([chance.octets(100).map((octet) => octet & 0x7f), Buffer.from('\r\n')]));
    }
    for (const line of ['HELO', 'HELO ', 'HELO a b', 'PING PING', 'OK', 'WVCI 1.2 x', '\0\0', '\u001b[2J']) {
      channel.send(`${line}\r\n`);
    }
    await expectReachable(phone, channel, 'still attached');
    expect(channel.closed).toBe(false);
  });

  it('an endless line ends its connection only', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    const endless = await call();
    endless.send('HELO ');
    endless.send('x'.repeat(1_000_000));
    await endless.isClosed();
    await expectReachable(phone, channel, 'not me');
  });

  it('an endless line on its own connection costs the session its channel, and it may come back', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    channel.send('x'.repeat(10_000));
    channel.finish();
    await channel.isClosed();
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    await expectReachable(phone, await greeted(phone), 'back again');
  });

  it.each(['nobody', '__proto__', 'constructor', '\u00ff\u00fe', "' OR 1=1 --", '../../x'])(
    'HELO %j gets no OK and is closed or ignored',
    async (id) => {
      const stranger = await call();
      stranger.send(`HELO ${id}\r\nPING\r\n`);
      stranger.finish();
      await stranger.isClosed();
      expect(stranger.text).toBe('');
    },
  );

  it('HELO with the id of a session is that session: the newest connection is its channel, the old one ends', async () => {
    const phone = await online();
    const first = await greeted(phone);
    const second = await greeted(phone);
    first.finish();
    await first.isClosed();
    await expectReachable(phone, second, 'to the second');
  });

  it('a session without HELO, or whose channel went half away, still gets everything by polling', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    channel.finish();
    await channel.isClosed();
    const friend = await scene.person();
    const other = await scene.online(friend, HABITS.android);
    await other.say(android.sendMessage(friend, await ownerOf(phone), 'by poll'));
    expect((await phone.poll()).xml).toContain('by poll');
  });

  it('a logout ends the channel', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    await phone.say(android.logout());
    channel.finish();
    await channel.isClosed();
  });

  it('3,000 connections opened and closed leave nothing behind', { timeout: 60_000 }, async () => {
    const phone = await online();
    const channel = await greeted(phone);
    for (let round = 0; round < 30; round += 1) {
      const some = await Promise.all(Array.from({ length: 100 }, () => Wire.open(port)));
      for (const [index, wire] of some.entries()) {
        if (index % 3 === 0) wire.send(`HELO nobody${index}\r\n`);
        if (index % 3 === 1) wire.reset();
        else wire.drop();
      }
    }
    await eventually('only the channel is left', async () => (await connections()) === 1);
    await expectReachable(phone, channel, 'after the storm');
  });

  it('400 connections that say nothing do not keep others from being called', async () => {
    const phone = await online();
    const channel = await greeted(phone);
    for (let i = 0; i < 400; i += 1) await call();
    await expectReachable(phone, channel, 'among the silent');
  });
});

describe('SUDP', () => {
  it.each(['0', '65536', '4294967295'])(
    'a client that listens at port %s costs its correspondents nothing',
    async (udpPort) => {
      const listen = { csp: { port: 0 }, cir: { udp: true }, ops: { port: 0 } };
      const own = await startScene({ config: { login: { sourceBurst: 1000 }, listen } });
      try {
        const [ann, bea] = await own.people('ann', 'bea');
        const capability = android.capability('STCP').replace('>STCP<', '>SUDP<');
        const told = capability.replace('<ServerPollMin>', `<UDPPort>${udpPort}</UDPPort><ServerPollMin>`);
        const [a, b] = [
          await own.online(ann, HABITS.android),
          await own.online(bea, HABITS.android, { capability: told }),
        ];
        expect(codeOf(await a.say(android.sendMessage(ann, bea, 'hello')))).toBe(200);
        expect((await b.poll()).xml).toContain('hello');
      } finally {
        await own.stop();
      }
    },
  );
});
