// A person at a Matrix client (matrix-js-sdk).

import type { MatrixClient, MatrixEvent, Room } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import { Emitter } from '../client/events.ts';
import { DEADLINE_MS } from './scene.ts';
import type { MatrixServer } from './servers.ts';
import { MATRIX_PSEUDO_DOMAIN } from './settings.ts';

const nothing = (): void => undefined;
const silent: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  getChild: () => silent,
};

type Sdk = typeof import('matrix-js-sdk');

interface MatrixSightings {
  message: MatrixEvent;
  invitation: { readonly room: string; readonly by: string };
  presence: { readonly user: string; readonly presence: string; readonly text: string };
  receipt: { readonly event: string; readonly by: string };
}

/** The SDK loads only where it is needed, and says nothing past its own logger. */
async function loadSdk(): Promise<Sdk> {
  const { logger } = await import('matrix-js-sdk/lib/logger.js');
  Object.assign(logger, silent, { log: nothing });
  return await import('matrix-js-sdk');
}

export class MatrixPerson {
  readonly id: string;
  /** The address under which WV knows this person. */
  readonly address: string;
  readonly #sdk: Sdk;
  readonly #client: MatrixClient;
  readonly #events: Emitter<MatrixSightings>;
  #room = '';

  private constructor(sdk: Sdk, client: MatrixClient, problem: (error: Error) => void) {
    this.#sdk = sdk;
    this.#client = client;
    this.#events = new Emitter((error) => problem(error as Error));
    this.id = client.getSafeUserId();
    this.address = `wv:${this.id.slice(1).replace(':', '%40')}@${MATRIX_PSEUDO_DOMAIN}`;
  }

  /** Logs in and follows what happens. `problem` hears of what goes wrong in the background. */
  static async login(
    server: MatrixServer,
    name: string,
    problem: (error: Error) => void,
  ): Promise<MatrixPerson> {
    const sdk = await loadSdk();
    const { userId = '', password = '' } = server.users[name] ?? {};
    const common = { baseUrl: server.baseUrl, logger: silent };
    const session = await sdk.createClient(common).loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: userId },
      password,
    });
    const client = sdk.createClient({
      ...common,
      accessToken: session.access_token,
      userId: session.user_id,
      deviceId: session.device_id,
    });
    const person = new MatrixPerson(sdk, client, problem);
    await person.#start();
    return person;
  }

  async logout(): Promise<void> {
    this.#client.stopClient();
    await this.#client.logout(true);
  }

  /** Leaves every room that somebody is a member of. */
  async forget(other: string): Promise<void> {
    const rooms = this.#client.getRooms().filter((room) => room.getMember(other) !== null && isIn(room));
    for (const { roomId } of rooms) {
      await this.#client.leave(roomId);
      await this.#client.forget(roomId);
    }
  }

  /** Waits for an invitation into a direct chat, and accepts it. */
  async joins(inviter: string): Promise<void> {
    const { room } = await this.#events.next('invitation', ({ by }) => by === inviter, DEADLINE_MS);
    await this.#client.joinRoom(room);
    this.#room = room;
  }

  async shows(text: string): Promise<void> {
    await this.#client.setPresence({ presence: 'online', status_msg: text });
  }

  async writes(text: string): Promise<void> {
    await this.#client.sendTextMessage(this.#room, text);
  }

  /** Sees a message; as clients do, marks it as read. */
  async seesMessage(from: string, text: string): Promise<void> {
    const event = await this.#events.next(
      'message',
      (message) => message.getSender() === from && message.getContent()['body'] === text,
      DEADLINE_MS,
    );
    await this.#client.sendReadReceipt(event, this.#sdk.ReceiptType.Read);
  }

  seesPresence(of: string, text: string): Promise<unknown> {
    return this.#events.next(
      'presence',
      (shown) => shown.user === of && shown.presence === 'online' && shown.text === text,
      DEADLINE_MS,
    );
  }

  seesRead(reader: string): Promise<unknown> {
    return this.#events.next('receipt', ({ by }) => by === reader, DEADLINE_MS);
  }

  async #start(): Promise<void> {
    const { ClientEvent, RoomEvent, SyncState } = this.#sdk;
    const client = this.#client;
    client.on(RoomEvent.Timeline, (event) => this.#events.emit('message', event));
    client.on(RoomEvent.MyMembership, (room) => this.#invited(room));
    client.on(RoomEvent.Receipt, (event) => this.#read(event));
    client.on(ClientEvent.Event, (event) => this.#shown(event));
    const prepared = new Promise<void>((resolve) => {
      client.on(ClientEvent.Sync, (state) => {
        if (state === SyncState.Prepared) resolve();
      });
    });
    await client.startClient({ initialSyncLimit: 1 });
    await prepared;
  }

  #invited(room: Room): void {
    const own = room.getMember(this.id);
    if (own?.membership !== 'invite') return;
    const by = own.events.member?.getSender();
    if (by !== undefined) this.#events.emit('invitation', { room: room.roomId, by });
  }

  #read(event: MatrixEvent): void {
    for (const [of, kinds] of Object.entries(event.getContent<Record<string, Record<string, object>>>())) {
      for (const by of Object.keys(kinds['m.read'] ?? {})) this.#events.emit('receipt', { event: of, by });
    }
  }

  #shown(event: MatrixEvent): void {
    if (event.getType() !== 'm.presence') return;
    const { presence = '', status_msg: text = '' } = event.getContent<{
      presence?: string;
      status_msg?: string;
    }>();
    this.#events.emit('presence', { user: event.getSender() ?? '', presence, text });
  }
}

function isIn(room: Room): boolean {
  return ['join', 'invite'].includes(room.getMyMembership());
}
