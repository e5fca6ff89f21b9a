// The WV phones of the demo: two clients that differ in all they can differ in.

import { WvClient, type WvClientEvents } from '../client/client.ts';
import { nodeDigest } from '../client/node-digest.ts';
import { stcp } from '../client/stcp.ts';
import { simple, type PresenceAttributeName } from '../wv/presence.ts';
import { DEADLINE_MS } from './scene.ts';
import { USERS, WV_DOMAIN } from './settings.ts';

/** What the people of the demo show each other. */
export const SHOWN = ['OnlineStatus', 'UserAvailability', 'StatusText'] as const;

const KINDS = {
  ann: {
    version: '1.2',
    encoding: 'wbxml',
    login: '4-way',
    digest: nodeDigest,
    cir: stcp(),
    pollSeconds: 30,
  },
  bea: { version: '1.1', encoding: 'xml', login: '2-way', pollSeconds: 1 },
} as const;

export const PHONES = {
  ann: 'a WV phone: WBXML 1.2, logs in by digest, called over TCP',
  bea: 'a WV phone: XML 1.1, logs in by password, polls',
} as const;

type PhoneName = keyof typeof KINDS;

export function addressOf(name: PhoneName): string {
  return `wv:${name}@${WV_DOMAIN}`;
}

export class PhoneUser {
  readonly client: WvClient;
  readonly address: string;

  private constructor(client: WvClient, address: string) {
    this.client = client;
    this.address = address;
  }

  /** Logs in and says that its user is there. */
  static async login(url: string, name: PhoneName): Promise<PhoneUser> {
    const user = addressOf(name);
    const password = USERS.find((known) => known.name === name)?.password ?? '';
    const client = new WvClient({
      url,
      user,
      password,
      clientId: `http://wvgate.example/demo/${name}`,
      ...KINDS[name],
    });
    await client.connect();
    await client.updatePresence({ UserAvailability: simple('AVAILABLE') });
    return new PhoneUser(client, user);
  }

  async logout(): Promise<void> {
    await this.client.logout();
  }

  async writes(to: string, text: string): Promise<void> {
    await this.client.sendMessage({ to: { user: to }, content: text, deliveryReport: true });
  }

  async shows(availability: 'AVAILABLE' | 'DISCREET', text: string): Promise<void> {
    await this.client.updatePresence({ UserAvailability: simple(availability), StatusText: simple(text) });
  }

  async watches(whom: string): Promise<void> {
    await this.client.subscribe({ users: [whom], attributes: SHOWN });
  }

  async lets(whom: string): Promise<void> {
    await this.client.answerAuthorization(whom, true);
  }

  seesMessage(from: string, text: string): Promise<unknown> {
    return this.#sees('message', (message) => {
      const sender = message.from !== undefined && 'user' in message.from ? message.from.user : '';
      return sender === from && message.text === text;
    });
  }

  /** Values of one user's presence, as far as they are named. */
  seesPresence(of: string, wanted: Partial<Record<PresenceAttributeName, string>>): Promise<unknown> {
    const names = Object.keys(wanted) as PresenceAttributeName[];
    return this.#sees(
      'presence',
      ({ user, attributes }) =>
        user === of && names.every((name) => attributes[name]?.value === wanted[name]),
    );
  }

  seesRequestOf(watcher: string): Promise<unknown> {
    return this.#sees('authorization', ({ user }) => user === watcher);
  }

  seesDelivered(): Promise<unknown> {
    return this.#sees('report', ({ outcome }) => outcome.code === 200);
  }

  #sees<E extends keyof WvClientEvents>(event: E, matches: (value: WvClientEvents[E]) => boolean) {
    return this.client.next(event, matches, DEADLINE_MS);
  }
}
