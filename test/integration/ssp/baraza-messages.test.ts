// Messages and reports between our users and those of a Baraza (ssp.md section 16; observed-peer.md sections 12, 13).

import { describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import { answered, houseAndBaraza, type HouseAndBaraza } from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, quiet, WireTranscript } from '../../support/ssp/wire-transcript.ts';

const SPECIAL = 'Grüße <&> "so" \'und\' so ]]> 😀';
const OCTETS = Uint8Array.from([0, 255, 128, 10, 60, 38]);

interface Scene extends HouseAndBaraza {
  readonly ann: string;
  readonly client: WvClient;
}

/** ann1 with a client, and a session that is up. */
async function scene(options: Parameters<typeof houseAndBaraza>[0] = {}): Promise<Scene> {
  const both = await houseAndBaraza(options);
  const { user: ann, client } = await both.house.somebody('ann');
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  return { ...both, ann, client };
}

describe('messages to its users', () => {
  it('arrive once, with their text and type, and are reported when wanted', async () => {
    const { ann, client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-ours');
    const report = client.next('report');
    const sent = await transcript.act('ann writes to bob and wants a report', async () => {
      const outcome = await client.sendMessage({
        to: { user: at('bob') },
        content: SPECIAL,
        deliveryReport: true,
      });
      await report;
      return outcome;
    });
    expect(sent.outcome.code).toBe(200);
    expect(baraza.received('bob').slice(1)).toMatchObject([
      { text: SPECIAL, sender: ann, messageId: sent.id, wantsReport: true, contentType: 'text/plain' },
    ]);
    expect(await report).toMatchObject({
      outcome: { code: 200 },
      message: { id: sent.id, to: [{ user: at('bob') }] },
    });
    expect((await report).deliveredAt).toBeDefined();
    transcript.compare();
  });

  it('go to several in one request, a Recipient each', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-ours-several');
    await transcript.act('ann writes to bob and ben', async () => {
      await client.sendMessage({ to: [{ user: at('bob') }, { user: at('ben') }], content: 'Hello both' });
      await eventually('the message', () => baraza.received('ben')[0]);
    });
    expect(baraza.received('bob')[1]?.text).toBe('Hello both');
    transcript.compare();
  });

  it('are reported 531 for those who do not exist, and for nobody else', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-ours-partial');
    const reports: unknown[] = [];
    client.on('report', ({ outcome, message }) => reports.push([outcome.code, message.id, message.to]));
    const sent = await transcript.act('ann writes to bob and nobody', async () => {
      const outcome = await client.sendMessage({
        to: [{ user: at('bob') }, { user: at('nobody') }],
        content: 'Is there anybody?',
      });
      await eventually('the report', () => reports.length > 0);
      return outcome;
    });
    expect(sent.outcome.code).toBe(200);
    expect(reports).toEqual([[531, sent.id, [{ user: at('nobody') }]]]);
    expect(baraza.received('bob')[1]?.text).toBe('Is there anybody?');
    transcript.compare();
  });

  it('are reported 531 for each when nobody exists', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-ours-failed');
    const reports: unknown[] = [];
    client.on('report', ({ outcome, message }) => reports.push([outcome.code, message.to]));
    await transcript.act('ann writes to nobody and none', async () => {
      await client.sendMessage({ to: [{ user: at('nobody') }, { user: at('none') }], content: 'Hello?' });
      await eventually('two reports', () => reports.length === 2);
    });
    expect(reports.map((each) => JSON.stringify(each)).toSorted()).toEqual([
      JSON.stringify([531, [{ user: at('nobody') }]]),
      JSON.stringify([531, [{ user: at('none') }]]),
    ]);
    transcript.compare();
  });

  it('carry octets', async () => {
    const { client, baraza, at } = await scene();
    await client.sendMessage({ to: { user: at('bob') }, content: OCTETS, contentType: 'image/gif' });
    const message = await eventually('the message', () => baraza.received('bob')[1]);
    expect(message).toMatchObject({ contentType: 'image/gif', content: Buffer.from(OCTETS) });
  });

  it('that its client rejects are reported 538', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-ours-rejected');
    const report = client.next('report');
    await transcript.act('ann writes to ben, who rejects it', async () => {
      await client.sendMessage({ to: { user: at('ben') }, content: 'take this', deliveryReport: true });
      await report;
    });
    expect(await report).toMatchObject({ outcome: { code: 538 }, message: { to: [{ user: at('ben') }] } });
    transcript.compare();
  });
});

describe('messages of its users', () => {
  it('arrive once, and it is told when they are read', async () => {
    const { ann, client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'message-theirs');
    const messages: string[] = [];
    client.on('message', ({ text }) => messages.push(text));
    const message = client.next('message');
    const sent = await transcript.act('bob writes to ann and wants a report', async () => {
      const request = baraza.sendMessage('bob', [ann], SPECIAL, { report: true });
      await answered(request);
      await eventually('the report', () => baraza.user('bob').lostReports[0]);
      return request;
    });
    expect(await message).toMatchObject({ id: sent.messageId, from: { user: at('bob') } });
    expect(messages).toEqual([SPECIAL]);
    expect(sent.answers).toMatchObject([{ primitive: 'SendMessageResponse', code: 200 }]);
    transcript.compare();
  });

  it('have a date of ours: its own are useless', async () => {
    const { ann, client, baraza } = await scene();
    const message = client.next('message');
    await answered(baraza.sendMessage('bob', [ann], 'when?'));
    const written = (await message).sentAt ?? '';
    const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(written) ?? [];
    const extended = `${date?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time?.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
    expect(Math.abs(Date.parse(extended) - Date.now())).toBeLessThan(60_000);
  });

  it('go to several, and it is told who does not exist', async () => {
    const { house, ann, client, baraza } = await scene();
    const { user: cy, client: c } = await house.somebody('cy');
    const transcript = new WireTranscript(baraza, 'message-theirs-partial');
    const [one, other] = [client.next('message'), c.next('message')];
    const some = await transcript.act('bob writes to ann, cy and nobody', () =>
      answered(baraza.sendMessage('bob', [ann, cy, 'wv:nobody@a.test'], 'Hello all')),
    );
    expect([(await one).text, (await other).text]).toEqual(['Hello all', 'Hello all']);
    expect(some).toMatchObject({ code: 201, details: [531] });
    const none = await transcript.act('bob writes to nobody', () =>
      answered(baraza.sendMessage('bob', ['wv:nobody@a.test'], 'Hello?')),
    );
    expect(none.code).toBe(531);
    transcript.compare();
  });

  it('to a third domain are refused', async () => {
    const { ann, client, baraza } = await scene();
    const transcript = new WireTranscript(baraza, 'message-theirs-third');
    const answer = await transcript.act('bob writes to somebody elsewhere by way of us', () =>
      answered(baraza.sendMessage('bob', ['wv:carol@third.test'], 'pass it on')),
    );
    expect([answer.code, ...answer.details]).toContain(516);
    const message = client.next('message');
    const some = await transcript.act('bob writes to ann and to somebody elsewhere', () =>
      answered(baraza.sendMessage('bob', [ann, 'wv:carol@third.test'], 'pass it on')),
    );
    expect(some).toMatchObject({ code: 201, details: [516] });
    expect((await message).text).toBe('pass it on');
    transcript.compare();
  });

  it('carry octets', async () => {
    const { ann, client, baraza } = await scene();
    const message = client.next('message');
    await answered(baraza.sendMessage('bob', [ann], { octets: OCTETS, contentType: 'image/gif' }));
    expect(await message).toMatchObject({ contentType: 'image/gif', data: OCTETS });
  });

  it('wait for those who are not there', async () => {
    const { house, baraza } = await scene();
    const dan = await house.person('dan');
    expect(await answered(baraza.sendMessage('bob', [dan], 'for later'))).toMatchObject({ code: 200 });
    const later = await house.online(dan, { deliveryMethod: 'N' });
    const [waiting] = await later.getMessages();
    expect(await later.getMessage(waiting?.id ?? '')).toMatchObject({ text: 'for later' });
  });

  it('that our user rejects are reported 538', async () => {
    const { house, baraza } = await scene();
    const { user, client } = await house.somebody('fay', { deliveryMethod: 'N' });
    const transcript = new WireTranscript(baraza, 'message-theirs-rejected');
    await transcript.act('bob writes to fay, who rejects it', async () => {
      const announced = client.next('notification');
      await answered(baraza.sendMessage('bob', [user], 'buy this', { report: true }));
      await client.rejectMessage((await announced).id);
      await eventually('the report', () => baraza.user('bob').lostReports[0]);
    });
    expect(JSON.stringify(baraza.user('bob').lostReports[0])).toContain('538');
    transcript.compare();
  });

  it('by somebody who is blocked are refused', async () => {
    const { ann, client, baraza, at } = await scene();
    await client.block(at('bob'));
    const answer = await answered(baraza.sendMessage('bob', [ann], 'please'));
    expect([answer.code, ...answer.details]).toContain(532);
  });
});

describe('reports', () => {
  it('are answered by neither of us with anything that reaches a user', async () => {
    const { ann, client, baraza, at } = await scene();
    const strange: unknown[] = [];
    client.on('transaction', (event) => strange.push(event));
    client.on('error', (event) => strange.push(event));
    const report = client.next('report');
    await client.sendMessage({ to: { user: at('bob') }, content: 'x', deliveryReport: true });
    await report;
    await answered(baraza.sendMessage('bob', [ann], 'y', { report: true }));
    await eventually('the report', () => baraza.user('bob').lostReports[0]);
    await quiet(baraza);
    expect(documentsWith(baraza, 'in', 'DeliveryStatusReport')).toHaveLength(1);
    expect(strange).toEqual([]);
  });
});
