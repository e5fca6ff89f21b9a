// Commands to the gateway's bot on the real Synapse.

import { EventType, MsgType } from 'matrix-js-sdk';
import type { Preset } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { onSynapse } from '../support/matrix-scene.ts';

onSynapse('The Matrix bot', (scene) => {
  const bot = (): string => {
    const { prefix } = scene.server.registrations.test;
    return `@${prefix}bot:${scene.server.serverName}`;
  };
  /** Dave's chat with the bot, which said what it knows. */
  const begin = async (more: object = {}): Promise<string> => {
    const { room_id: room } = await scene.dave.client.createRoom({
      is_direct: true,
      invite: [bot()],
      preset: 'private_chat' as Preset,
      ...more,
    });
    await eventually('the greeting', () => answers(room).length === 1);
    return room;
  };
  const answers = (room: string): string[] =>
    scene.dave.messages(room, bot()).map((event) => String(event.getContent()['body']));
  /** What the bot answers to a line, as a notice. */
  const ask = async (room: string, line: string): Promise<string> => {
    const before = answers(room).length;
    await scene.dave.client.sendTextMessage(room, line);
    await eventually('the answer', () => answers(room).length === before + 1);
    expect(scene.dave.messages(room, bot()).at(-1)?.getContent()['msgtype']).toBe('m.notice');
    return answers(room).at(-1) ?? '';
  };

  it('says what it knows, and how it is doing', async () => {
    const room = await begin();
    expect(answers(room)[0]).toContain('search QUERY – finds WV users');
    expect(await ask(room, 'status')).toContain('This gateway leads to wv.example. It is up');
    expect(await ask(room, 'dance')).toContain('I know these commands');
    expect(await ask(room, 'chat')).toBe('Please say: chat USER');
  });

  it('finds WV users and brings one into a chat', async () => {
    const room = await begin();
    expect(await ask(room, 'search wonderland')).toBe(
      `Alice in Wonderland – ${scene.alice} – ${scene.ghost}`,
    );
    expect(await ask(room, `chat ${scene.alice}`)).toContain('invites you to a chat');
    await scene.daveJoins();
    expect(await ask(room, 'chat wv:nobody')).toBe('There is no WV user nobody.');
  });

  it('refuses for somebody what he does not want to hear', async () => {
    const room = await begin();
    expect(await ask(room, `block ${scene.alice}`)).toContain('is blocked');
    expect(await scene.send(scene.message('hello?'))).toBe(532);
    expect(await ask(room, 'privacy')).toMatch(/Blocked: alice/);
    expect(await ask(room, `unblock ${scene.ghost}`)).toContain('is not blocked');
    expect(await scene.send(scene.message('hello!'))).toBe(200);
  });

  it('answers no notices, and nobody but its inviter without being named', async () => {
    const room = await begin();
    await scene.dave.client.sendEvent(room, EventType.RoomMessage, {
      msgtype: MsgType.Notice,
      body: 'status',
    });
    await scene.dave.client.invite(room, scene.erin.id);
    await eventually('the invitation', () => scene.erin.client.getRoom(room)?.getMyMembership() === 'invite');
    await scene.erin.client.joinRoom(room);
    await scene.erin.client.sendTextMessage(room, 'status');
    await scene.erin.client.sendTextMessage(room, '!wv status');
    await eventually('one answer', () => answers(room).length === 2);
    expect(await ask(room, 'privacy')).toContain('Blocked: nobody');
    expect(answers(room)).toHaveLength(3);
  });

  it('leaves encrypted rooms, and says why', async () => {
    const room = await begin({
      initial_state: [
        { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      ],
    });
    expect(answers(room)).toEqual([
      'I cannot read encrypted rooms. Please start a chat with me that is not encrypted.',
    ]);
    await eventually('it is gone', () => scene.ghostMembership(room, bot()) === 'leave');
  });
});
