// What becomes of a message: reports, receipts and notices of the Matrix gateway on the real Synapse.

import { MsgType, ReceiptType } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import { serviceAddress } from '../../src/wv/address.ts';
import type { DeliveryStatusReport } from '../../src/wv/primitives.ts';
import { OK, result } from '../../src/wv/status.ts';
import { eventually } from '../support/eventually.ts';
import { HOME } from '../support/matrix-relay.ts';
import { nonEmpty, onSynapse } from '../support/matrix-scene.ts';

onSynapse('Matrix reports and receipts', (scene) => {
  it('tells the sender in the room when a message cannot be delivered, and does not tell of a block', async () => {
    const room = await scene.daveStartsChat();
    scene.relay.onEmit = () => result(532);
    await scene.dave.client.sendTextMessage(room, 'you blocked me');
    const [notice] = await eventually('the notice', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    expect(notice.getContent()).toMatchObject({ msgtype: MsgType.Notice });
    expect(notice.getContent()['body']).toBe('Not delivered: the recipient cannot be reached.');
    scene.relay.onEmit = () => OK;
  });

  it('turns a delivery report into a read receipt, and a failed one into one notice', async () => {
    const room = await scene.daveStartsChat();
    const { event_id: event } = await scene.dave.client.sendTextMessage(room, 'read me');
    const [request] = await eventually('the message', () => nonEmpty(scene.relay.all('SendMessageRequest')));
    const report: DeliveryStatusReport = {
      primitive: 'DeliveryStatusReport',
      meta: { service: serviceAddress(HOME), user: scene.alice },
      messageId: request.message.id,
      sender: scene.daveAddress,
      recipient: { kind: 'user', user: scene.alice },
      outcome: OK,
      deliveredAt: Date.now(),
    };
    expect(await scene.gateway.request(report)).toMatchObject({ result: { code: 200 } });
    await eventually(
      'the receipt',
      () => scene.dave.client.getRoom(room)?.getEventReadUpTo(scene.ghost) === event,
    );
    const failed = { ...report, outcome: result(542) };
    expect(await scene.gateway.request(failed)).toMatchObject({ result: { code: 200 } });
    expect(await scene.gateway.request(failed)).toMatchObject({ result: { code: 200 } });
    expect(await scene.send(scene.message('the end'))).toBe(200);
    await eventually(
      'the last message',
      () => scene.dave.messages(room, scene.ghost).at(-1)?.getContent()['body'] === 'the end',
    );
    expect(scene.dave.messages(room, scene.ghost)).toHaveLength(2);
    expect(scene.dave.messages(room, scene.ghost)[0]?.getContent()['body']).toContain('expired');
  });

  it('keeps a private receipt private', async () => {
    expect(await scene.send(scene.message('for your eyes', { deliveryReport: true }))).toBe(200);
    const room = await scene.daveJoins();
    const event = await eventually('the message', () => scene.dave.messages(room, scene.ghost)[0]);
    await scene.dave.client.sendReadReceipt(event, ReceiptType.ReadPrivate);
    await scene.dave.client.sendTextMessage(room, 'the end');
    await eventually('what came after', () => scene.relay.all('SendMessageRequest').length === 1);
    expect(scene.relay.all('DeliveryStatusReport')).toEqual([]);
  });

  it('turns a read receipt into one delivery report for all that was seen', async () => {
    expect(await scene.send(scene.message('first', { deliveryReport: true }))).toBe(200);
    expect(await scene.send(scene.message('second', { deliveryReport: true }))).toBe(200);
    const room = await scene.daveJoins();
    const last = await eventually('both messages', () => scene.dave.messages(room, scene.ghost)[1]);
    await scene.dave.client.sendReadReceipt(last, ReceiptType.Read);
    await eventually('both reports', () => scene.relay.all('DeliveryStatusReport').length === 2);
    expect(scene.relay.all('DeliveryStatusReport')).toMatchObject([
      { sender: scene.alice, recipient: { user: scene.daveAddress }, outcome: { code: 200 } },
      { sender: scene.alice },
    ]);
  });
});
