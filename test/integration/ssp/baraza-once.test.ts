// Once, and in order: a Baraza delivers what it is sent twice twice, repeats what it sent, and so do lines that break
// (observed-peer.md sections 11, 13, 14).

import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { JumpingClock } from '../../support/jumping-clock.ts';
import {
  answered,
  counted,
  houseAndBaraza,
  type HouseAndBaraza,
} from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, isQuiet, quiet, transactionsOf } from '../../support/ssp/wire-transcript.ts';

const COUNT = 100;
const NUMBERS = Array.from({ length: COUNT }, (_, index) => `message ${index}`);

async function scene(options: Parameters<typeof houseAndBaraza>[0] = {}) {
  const both = await houseAndBaraza(options);
  const { user: ann, client } = await both.house.somebody('ann');
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  return { ...both, ann, client };
}

/** Requests that it took (HTTP 200) more than once: by transaction. */
function takenTwice({ baraza }: HouseAndBaraza): string[] {
  const seen = new Set<string>();
  return baraza.log
    .filter(
      ({ direction, outcome, body }) =>
        direction === 'in' && outcome === 200 && body.includes('mode="Request"'),
    )
    .filter(({ body }) => !body.includes('<SetupTransaction'))
    .flatMap((entry) => transactionsOf(entry).map(({ id }) => id))
    .filter((id) => seen.size === seen.add(id).size);
}

/** A line to the peer of ours that loses what comes back: the HTTP answer to some documents never arrives. */
async function leakyLine(to: number, loses: (document: string) => boolean): Promise<{ url: string }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [near, far].forEach((each) => each.destroy()));
    }
    let asked = '';
    near.on('data', (part) => {
      asked += part.toString('latin1');
      far.write(part);
    });
    far.on('data', (part) => {
      const isLost = loses(asked);
      asked = '';
      if (isLost) near.destroy();
      else near.write(part);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe('a hundred messages of one sender', () => {
  it('of ours arrive once, in order', async () => {
    const here = await scene();
    for (const content of NUMBERS) await here.client.sendMessage({ to: { user: here.at('bob') }, content });
    await eventually('all', () => here.baraza.received('bob').length > COUNT);
    await quiet(here.baraza);
    expect(
      here.baraza
        .received('bob')
        .slice(1)
        .map(({ text }) => text),
    ).toEqual(NUMBERS);
    expect(takenTwice(here)).toEqual([]);
  });

  it('of ours arrive once, in order, though it died and came back meanwhile', async () => {
    const here = await scene();
    const half = COUNT / 2;
    for (const content of NUMBERS.slice(0, half))
      await here.client.sendMessage({ to: { user: here.at('bob') }, content });
    await here.baraza.kill();
    const before = here.baraza
      .received('bob')
      .slice(1)
      .map(({ text }) => text);
    for (const content of NUMBERS.slice(half))
      await here.client.sendMessage({ to: { user: here.at('bob') }, content });
    await here.baraza.restart();
    await eventually('all', () => here.baraza.received('bob').length > COUNT, 15_000);
    const texts = here.baraza
      .received('bob')
      .slice(1)
      .map(({ text }) => text);
    expect(texts.slice(0, before.length)).toEqual(before);
    expect([...new Set(texts)]).toEqual(NUMBERS);
  });

  it('of its arrive once, in order', async () => {
    const here = await scene();
    const texts: string[] = [];
    here.client.on('message', ({ text }) => texts.push(text));
    const sent = NUMBERS.map((text) => here.baraza.sendMessage('bob', [here.ann], text));
    await eventually('all', () => texts.length >= COUNT);
    await Promise.all(sent.map(answered));
    expect(texts).toEqual(NUMBERS);
    expect(sent.map(({ answers }) => answers.length)).toEqual(NUMBERS.map(() => 1));
  });
});

describe('what it repeats', () => {
  it('because the HTTP answer was lost is delivered once, and answered each time', async () => {
    const here = await scene();
    const ours = here.port;
    let losses = 2;
    const line = await leakyLine(ours, (asked) => asked.includes('<SendMessageRequest') && losses-- > 0);
    here.baraza.routeTo(line.url);
    const texts: string[] = [];
    here.client.on('message', ({ text }) => texts.push(text));
    const sent = here.baraza.sendMessage('bob', [here.ann], 'only once');
    await eventually('taken', () => sent.state === 'sent');
    await answered(sent);
    await quiet(here.baraza);
    expect(sent.attempts).toBe(3);
    expect(sent.answers.every(({ code }) => code === 200)).toBe(true);
    await here.client.poll();
    expect(texts).toEqual(['only once']);
    expect(await counted(here.house, 'ssp_repeats_total')).toBe(2);
  });

  it('after our restart is delivered once', async () => {
    const here = await scene();
    let losses = 1;
    const line = await leakyLine(here.port, (asked) => asked.includes('<SendMessageRequest') && losses-- > 0);
    await here.client.logout();
    here.baraza.routeTo(line.url);
    const sent = here.baraza.sendMessage('bob', [here.ann], 'only once');
    await eventually('lost', () => losses === 0);
    await here.house.stop();
    await here.house.start();
    await eventually('taken', () => sent.state === 'sent');
    const client = await here.house.online(here.ann, { deliveryMethod: 'N' });
    const waiting = await client.getMessages();
    expect(waiting.map(({ id }) => id)).toEqual([sent.messageId]);
    expect(sent.attempts).toBeGreaterThan(1);
  });

  it.each(['JoinGroupRequest', 'InviteRequest', 'SubscribeRequest'])(
    'is done once (%s)',
    async (primitive) => {
      const here = await scene();
      await here.client.groups.create('wv:ann1/club@a.test', {
        screenName: 'Ally',
        properties: { AccessType: 'Open' },
      });
      let losses = 1;
      const line = await leakyLine(here.port, (asked) => asked.includes(`<${primitive}`) && losses-- > 0);
      here.baraza.routeTo(line.url);
      const seen: string[] = [];
      here.client.on('invitation', () => seen.push('InviteRequest'));
      here.client.on('authorization', () => seen.push('SubscribeRequest'));
      here.client.on('group', ({ joined }) => joined.length > 0 && seen.push('JoinGroupRequest'));
      const acts: Record<string, () => Parameters<typeof answered>[0]> = {
        JoinGroupRequest: () => here.baraza.join('bob', 'wv:ann1/club@a.test', { screenName: 'Bobby' }),
        InviteRequest: () => here.baraza.invite('bob', { inviteId: 'inv-1', type: 'IM', invited: here.ann }),
        SubscribeRequest: () => here.baraza.subscribe('bob', [here.ann]),
      };
      const sent = acts[primitive]?.();
      if (sent === undefined) throw new Error(primitive);
      expect(await answered(sent)).toMatchObject({ code: 200 });
      await eventually('both tries', () => sent.attempts === 2 && sent.state === 'sent');
      await eventually('quiet', () => isQuiet(here.baraza.log));
      await eventually('it', () => seen.length > 0);
      await here.client.poll();
      expect(seen).toEqual([primitive]);
    },
  );
});

describe('what it took', () => {
  it('is not sent again though it answers nothing', async () => {
    const clock = new JumpingClock();
    const here = await scene({ clock });
    // It takes the message with HTTP 200, and its answer never comes.
    here.baraza.routeTo(undefined);
    await here.client.sendMessage({ to: { user: here.at('bob') }, content: 'taken' });
    await eventually('the message', () => here.baraza.received('bob')[1]);
    for (let minute = 0; minute < 3; minute++) clock.jump(60_000);
    here.baraza.routeTo(`http://127.0.0.1:${here.port}/`);
    const after = here.client;
    await after.sendMessage({ to: { user: here.at('bob') }, content: 'the next' });
    await eventually('the next', () => here.baraza.received('bob').some(({ text }) => text === 'the next'));
    expect(here.baraza.received('bob').map(({ text }) => text)).toEqual(['first', 'taken', 'the next']);
    expect(documentsWith(here.baraza, 'in', 'SendMessageRequest')).toHaveLength(3);
  });

  it('is not sent again after our restart', async () => {
    const here = await scene();
    here.baraza.routeTo(undefined);
    await here.client.sendMessage({ to: { user: here.at('bob') }, content: 'taken' });
    await eventually('the message', () => here.baraza.received('bob')[1]);
    await here.house.stop();
    await here.house.start();
    here.baraza.routeTo(`http://127.0.0.1:${here.port}/`);
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'the next' });
    await eventually('the next', () => here.baraza.received('bob').some(({ text }) => text === 'the next'));
    expect(here.baraza.received('bob').map(({ text }) => text)).toEqual(['first', 'taken', 'the next']);
  });
});
