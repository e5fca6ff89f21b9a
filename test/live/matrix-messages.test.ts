// Messages through the Matrix gateway on the real Synapse, both ways.

import { EventType, MsgType } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import { userAddress } from '../../src/wv/address.ts';
import { eventually } from '../support/eventually.ts';
import { TestRelay } from '../support/matrix-relay.ts';
import { nonEmpty, onSynapse, PSEUDO_DOMAIN } from '../support/matrix-scene.ts';

onSynapse('Matrix messages', (scene) => {
  it('carries a WV message into a new direct chat, under the name of its sender', async () => {
    expect(await scene.send(scene.message('hello Dave 🙂'))).toBe(200);
    const room = await scene.daveJoins();
    const [event] = await eventually('the message', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    expect(event.getContent()).toMatchObject({ msgtype: 'm.text', body: 'hello Dave 🙂' });
    expect(scene.dave.client.getRoom(room)?.getMember(scene.ghost)?.name).toContain('Alice in Wonderland');
    expect(scene.dave.client.getRoom(room)?.getDMInviter()).toBe(scene.ghost);
  });

  it('keeps to one room per pair, and to the order of messages', async () => {
    const texts = ['one', 'two', 'three', 'four', 'five'];
    const codes = await Promise.all(texts.map((text) => scene.send(scene.message(text))));
    expect(codes).toEqual([200, 200, 200, 200, 200]);
    const room = await scene.daveJoins();
    await eventually('all messages', () => scene.dave.messages(room, scene.ghost).length === 5);
    expect(
      scene.dave.messages(room, scene.ghost).map((event) => event.getContent()['body'] as string),
    ).toEqual(texts);
  });

  it('brings a chat that a Matrix user starts to WV, and the answer back', async () => {
    const room = await scene.daveStartsChat();
    await scene.dave.client.sendTextMessage(room, 'hello Alice');
    const [request] = await eventually('the message', () => nonEmpty(scene.relay.all('SendMessageRequest')));
    expect(request).toMatchObject({
      deliveryReport: true,
      meta: { user: scene.daveAddress },
      message: {
        sender: { kind: 'user', user: scene.daveAddress },
        recipients: [{ kind: 'user', user: scene.alice }],
        content: { contentType: 'text/plain', encoding: 'none', data: 'hello Alice' },
      },
    });
    expect(request.message.id.length).toBeLessThanOrEqual(50);
    expect(await scene.send(scene.message('hello back'))).toBe(200);
    await eventually(
      'the answer in the same room',
      () => scene.dave.messages(room, scene.ghost).length === 1,
    );
  });

  it('sends a repeated request once', async () => {
    const request = scene.message('only once');
    expect(await scene.send(request)).toBe(200);
    // The relay was killed before it noted the answer; and then the gateway's notes were lost as well.
    expect(await scene.send(request)).toBe(200);
    const room = await scene.daveJoins();
    const [portal] = await scene.relay.storage.list('portal ');
    await scene.gateway.stop();
    const forgetful = new TestRelay();
    await forgetful.storage.put(portal?.[0] ?? '', portal?.[1] ?? '');
    await scene.begin(forgetful);
    expect(await scene.send(request)).toBe(200);
    expect(await scene.send(scene.message('the end'))).toBe(200);
    await eventually(
      'the last message',
      () => scene.dave.messages(room, scene.ghost).at(-1)?.getContent()['body'] === 'the end',
    );
    expect(scene.dave.messages(room, scene.ghost)).toHaveLength(2);
  });

  it('hands on an event once, however often the homeserver pushes it', async () => {
    const { hsToken, url } = scene.server.registrations.test;
    const room = await scene.daveStartsChat();
    const { event_id: id } = await scene.dave.client.sendTextMessage(room, 'pushed again');
    await eventually('the message', () => scene.relay.all('SendMessageRequest').length === 1);
    const event = {
      type: 'm.room.message',
      event_id: id,
      room_id: room,
      sender: scene.dave.id,
      origin_server_ts: Date.now(),
      content: { msgtype: 'm.text', body: 'pushed again' },
    };
    for (const transaction of ['again-1', 'again-1', 'again-2']) {
      const answer = await fetch(`${url}/_matrix/app/v1/transactions/${transaction}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${hsToken}` },
        body: JSON.stringify({ events: [event] }),
      });
      expect(answer.status).toBe(200);
    }
    await scene.dave.client.sendTextMessage(room, 'the end');
    await eventually('the next message', () =>
      scene.relay.all('SendMessageRequest').some(({ message: { content } }) => content.data === 'the end'),
    );
    expect(scene.relay.all('SendMessageRequest')).toHaveLength(2);
  });

  it('handles after a restart what it had taken and not handled', async () => {
    const room = await scene.daveStartsChat();
    scene.relay.onEmit = () => new Promise(() => undefined);
    await scene.dave.client.sendTextMessage(room, 'stopped in between');
    const [first] = await eventually('the message', () => nonEmpty(scene.relay.all('SendMessageRequest')));
    await scene.gateway.stop();
    await scene.begin(new TestRelay(scene.relay.storage));
    const [again] = await eventually('the message again', () =>
      nonEmpty(scene.relay.all('SendMessageRequest')),
    );
    expect(again.message.id).toBe(first.message.id);
    expect(again.message.content.data).toBe('stopped in between');
  });

  it('answers 531 for a Matrix user who does not exist', async () => {
    const request = scene.message('anybody there?');
    const nobody = userAddress(`nobody@${scene.server.serverName}`, PSEUDO_DOMAIN);
    const recipients = [{ kind: 'user', user: nobody } as const];
    expect(await scene.send({ ...request, message: { ...request.message, recipients } })).toBe(531);
  });

  it('delivers an edit once, as a message of its own', async () => {
    const room = await scene.daveStartsChat();
    const { event_id: original } = await scene.dave.client.sendTextMessage(room, 'helo');
    await scene.dave.client.sendEvent(room, EventType.RoomMessage, {
      msgtype: MsgType.Text,
      body: '* hello',
      'm.new_content': { msgtype: MsgType.Text, body: 'hello' },
      'm.relates_to': { rel_type: 'm.replace' as never, event_id: original },
    });
    await eventually('both messages', () => scene.relay.all('SendMessageRequest').length === 2);
    const texts = scene.relay.all('SendMessageRequest').map(({ message: { content } }) => content.data);
    expect(texts).toEqual(['helo', 'edited: hello']);
  });
});
