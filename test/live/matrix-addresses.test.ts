// Addresses of both networks through the Matrix gateway on the real Synapse (bridging.md 2.2), and what becomes of
// messages that cannot be sent (bridging.md 12).

import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { userAddress } from '../../src/wv/address.ts';
import type { Domain } from '../../src/wv/ids.ts';
import { eventually } from '../support/eventually.ts';
import { HOME } from '../support/matrix-relay.ts';
import { onSynapse, PSEUDO_DOMAIN } from '../support/matrix-scene.ts';

onSynapse('Matrix addresses', (scene) => {
  const unique = (): string => randomBytes(4).toString('hex');
  const OTHER = 'other.example' as Domain;

  it.each([
    ['a telephone number', (id: string) => userAddress(`+44${id}`, HOME), (id: string) => `+44${id}`],
    [
      'reserved characters',
      (id: string) => userAddress(`o'n&il "=${id}`, HOME),
      (id: string) => `o=27n=26il=20=22=3d${id}`,
    ],
    ['letters beyond ASCII', (id: string) => userAddress(`zoë${id}`, HOME), (id: string) => `zo=c3=ab${id}`],
    [
      'a home elsewhere',
      (id: string) => userAddress(`carol${id}`, OTHER),
      (id: string) => `carol${id}=40other.example`,
    ],
  ])('with %s are ghosts to Matrix, and answers find them', async (_what, addressOf, suffixOf) => {
    const id = unique();
    scene.alice = addressOf(id);
    scene.relay.users.set(scene.alice, 'Alice');
    scene.ghost = `@${scene.server.registrations.test.prefix}${suffixOf(id)}:${scene.server.serverName}`;
    expect(await scene.send(scene.message('hello'))).toBe(200);
    const room = await scene.daveJoins();
    await eventually('the message', () => scene.dave.messages(room, scene.ghost).length === 1);
    await scene.dave.client.sendTextMessage(room, 'hello back');
    const request = await eventually('the answer', () => scene.relay.all('SendMessageRequest')[0]);
    expect(request.message.recipients).toEqual([{ kind: 'user', user: scene.alice }]);
  });

  const codeOf = async (user: string, data = 'hello'): Promise<number> => {
    const request = scene.message(data);
    const recipients = [{ kind: 'user', user: userAddress(user, PSEUDO_DOMAIN) } as const];
    return await scene.send({ ...request, message: { ...request.message, recipients } });
  };

  it('that name nobody, a ghost of ours or one of another bridge are 531', async () => {
    const { serverName } = scene.server;
    expect(await codeOf('nobody')).toBe(531);
    expect(await codeOf(`nobody-at-all@${serverName}`)).toBe(531);
    expect(await codeOf(`${scene.ghost.slice(1).split(':')[0] ?? ''}@${serverName}`)).toBe(531);
    expect(await codeOf(`_xmpp_romeo@${serverName}`)).toBe(531);
  });

  it('too long for a Matrix id are 901, and a message too large for an event is 432', async () => {
    scene.alice = userAddress('ä'.repeat(60), HOME);
    expect(await scene.send(scene.message('hello'))).toBe(901);
    scene.alice = userAddress(`alice${unique()}`, HOME);
    scene.relay.users.set(scene.alice, 'Alice');
    expect(await scene.send(scene.message('x'.repeat(70_000)))).toBe(432);
    expect(await scene.send(scene.message('short'))).toBe(200);
  });
});
