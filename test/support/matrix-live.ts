// The real homeserver for live tests: matrix-js-sdk as the user's client, the gateway in its `test` role.

import { ClientEvent, createClient, RoomEvent, SyncState } from 'matrix-js-sdk';
import type { MatrixClient, MatrixEvent } from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import type { MatrixGatewayConfig } from '../../adapters/matrix/gateway.ts';
import { readRegistration } from '../../adapters/matrix/registration.ts';
import { readStack } from '../../scripts/stack/description.ts';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import { eventually } from './eventually.ts';

const nothing = (): void => undefined;
const silent: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  getChild: () => silent,
};
// Parts of the SDK log past the client's logger.
Object.assign(logger, silent, { log: nothing });

/** The stack's Synapse when it runs, else the reason why not. */
export async function liveHomeserver(): Promise<MatrixServer | string> {
  const stack = readStack();
  const server = stack?.synapse;
  if (server === undefined) return stack?.missing['synapse'] ?? 'no stack: npm run stack up';
  try {
    await fetch(`${server.baseUrl}/_matrix/client/versions`, { signal: AbortSignal.timeout(5000) });
    return server;
  } catch {
    return `nobody answers at ${server.baseUrl}`;
  }
}

export function liveConfig(
  server: MatrixServer,
  more: Partial<MatrixGatewayConfig> = {},
): MatrixGatewayConfig {
  const { file, url } = server.registrations.test;
  return {
    homeserverUrl: server.baseUrl,
    serverName: server.serverName,
    registration: readRegistration(file),
    listen: { port: Number(new URL(url).port) },
    pseudoDomain: 'matrix.wv.example',
    ...more,
  };
}

/** A logged-in user with a running sync. */
export class LiveUser {
  readonly client: MatrixClient;
  readonly id: string;
  /** Every timeline event of every room since the start. */
  readonly events: MatrixEvent[] = [];

  private constructor(client: MatrixClient, id: string) {
    this.client = client;
    this.id = id;
  }

  static async login(server: MatrixServer, name: string): Promise<LiveUser> {
    const account = server.users[name];
    if (account === undefined) throw new Error(`no account ${name}`);
    const answer = await createClient({ baseUrl: server.baseUrl, logger: silent }).loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: account.userId },
      password: account.password,
    });
    const client = createClient({
      baseUrl: server.baseUrl,
      logger: silent,
      accessToken: answer.access_token,
      userId: answer.user_id,
      deviceId: answer.device_id,
    });
    const user = new LiveUser(client, answer.user_id);
    client.on(RoomEvent.Timeline, (event) => void user.events.push(event));
    const prepared = new Promise<void>((resolve) => {
      client.on(ClientEvent.Sync, (state) => {
        if (state === SyncState.Prepared) resolve();
      });
    });
    await client.startClient({ initialSyncLimit: 1 });
    await prepared;
    return user;
  }

  async logout(): Promise<void> {
    this.client.stopClient();
    await this.client.logout(true);
  }

  /** Messages of a sender in a room, in order. */
  messages(room: string, sender: string): MatrixEvent[] {
    return this.events.filter(
      (event) =>
        event.getRoomId() === room && event.getSender() === sender && event.getType() === 'm.room.message',
    );
  }

  /** The room into which somebody invites this user. */
  async invitedBy(sender: string): Promise<string> {
    return await eventually(`an invitation by ${sender}`, () => {
      const rooms = this.client.getRooms().filter((room) => room.getMyMembership() === 'invite');
      return rooms.find((room) => room.getMember(this.id)?.events.member?.getSender() === sender)?.roomId;
    });
  }
}
