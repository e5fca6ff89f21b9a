// A WV user of a run with deaths: writes and hears as in the kill test, lets everybody see him, and knows whom he sees
// how. The phone survives what happens at the gateway: its session goes on.

import type { WvClient } from '../../../src/client/client.ts';
import type { PresenceAttributes } from '../../../src/wv/presence.ts';
import type { Surroundings, Names } from '../kill/person.ts';
import { WvPerson } from '../kill/wv-person.ts';
import { presenceFor, viewOf } from './views.ts';
import type { Views } from './views.ts';

const SHOWN = ['OnlineStatus', 'UserAvailability', 'StatusText'] as const;

export class Phone {
  readonly person: WvPerson;
  readonly views: Views = new Map();
  /** What was said in groups, as `group text`. */
  readonly said: string[] = [];
  readonly #seen = new Map<string, PresenceAttributes>();
  readonly #watched: readonly string[];

  private constructor(person: WvPerson, watched: readonly string[]) {
    this.person = person;
    this.#watched = watched;
    this.client.on('presence', ({ user, attributes }) => {
      const known = { ...this.#seen.get(user), ...attributes };
      this.#seen.set(user, known);
      this.views.set(user, viewOf(known));
    });
    this.client.on('message', ({ from, text }) => {
      if (from !== undefined && 'group' in from) this.said.push(`${from.group} ${text}`);
    });
    this.client.on('authorization', ({ user }) => void this.client.answerAuthorization(user, true, SHOWN));
  }

  /** A phone that is on, and watches these users. */
  static async on(
    names: Names,
    options: { readonly url: string; readonly password: string },
    surroundings: Surroundings,
    watched: readonly string[],
  ): Promise<Phone> {
    const kind = { version: '1.2', encoding: 'wbxml' } as const;
    const phone = new Phone(await WvPerson.login(names, { ...options, ...kind }, surroundings), watched);
    await phone.#begins();
    return phone;
  }

  get client(): WvClient {
    return this.person.client;
  }

  get names(): Names {
    return this.person.names;
  }

  get online(): boolean {
    return this.client.state === 'online';
  }

  async switchedOn(): Promise<void> {
    if (this.online) return;
    await this.client.connect();
    await this.#begins();
  }

  async switchedOff(): Promise<void> {
    await this.client.logout();
    this.#seen.clear();
    this.views.clear();
  }

  async shows(availability: string, status: string): Promise<void> {
    await this.client.updatePresence(presenceFor(availability, status));
  }

  async #begins(): Promise<void> {
    await this.client.subscribe({ users: this.#watched, attributes: SHOWN });
    await this.shows('AVAILABLE', 'here');
  }
}
