// The least bridge that plain matrix-appservice-bridge makes: it says again what it hears. A program of bench/matrix.ts.

import { AppServiceRegistration, Bridge, Logger } from 'matrix-appservice-bridge';
import type { WeakEvent } from 'matrix-appservice-bridge';
import { answering } from './answering.ts';

export interface EchoTask {
  readonly homeserverUrl: string;
  readonly serverName: string;
  readonly port: number;
  readonly asToken: string;
  readonly hsToken: string;
  /** Who says it. */
  readonly ghost: string;
}

let bridge: Bridge | undefined;

async function echo(echoing: Bridge, ghost: string, event: WeakEvent): Promise<void> {
  const { type, sender, room_id: room, content } = event;
  if (type !== 'm.room.message' || sender.startsWith('@_imps_')) return;
  await echoing.getIntent(ghost).sendMessage(room, { msgtype: 'm.text', body: String(content['body']) });
}

async function start({ homeserverUrl, serverName, port, asToken, hsToken, ghost }: EchoTask): Promise<void> {
  Logger.configure({ console: 'off' });
  const registration = AppServiceRegistration.fromObject({
    id: 'echo',
    url: `http://127.0.0.1:${port}`,
    as_token: asToken,
    hs_token: hsToken,
    sender_localpart: '_imps_bot',
    rate_limited: false,
    namespaces: { users: [{ regex: '@_imps_.*', exclusive: true }], aliases: [], rooms: [] },
  });
  const echoing = new Bridge({
    homeserverUrl,
    domain: serverName,
    registration,
    disableStores: true,
    controller: {
      onEvent: (request) => void echo(echoing, ghost, request.getData()),
    },
  });
  bridge = echoing;
  await echoing.initialise();
  await echoing.listen(port, '127.0.0.1');
}

// What it does not catch is part of what is measured: the message is lost.
process.on('unhandledRejection', () => undefined);
answering({ start }, () => bridge?.close());
