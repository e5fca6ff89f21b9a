// The people of the demo at their clients: who is there depends on the servers that are.

import type { House } from '../gateway.ts';
import { MatrixPerson } from './matrix-person.ts';
import { addressOf, PhoneUser } from './phones.ts';
import { DEADLINE_MS, type Scene } from './scene.ts';
import { matrixScene } from './scenes/matrix.ts';
import { phonesScene } from './scenes/phones.ts';
import { xmppScene } from './scenes/xmpp.ts';
import type { MatrixServer, Servers, XmppServer } from './servers.ts';
import { MATRIX_PSEUDO_DOMAIN } from './settings.ts';
import { XmppPerson } from './xmpp-person.ts';

const LOOK_MS = 50;

export class Cast {
  readonly #servers: Servers;
  readonly #problem: (error: Error) => void;
  #ann: PhoneUser | undefined;
  #bea: PhoneUser | undefined;
  #romeo: XmppPerson | undefined;
  #dave: MatrixPerson | undefined;

  constructor(servers: Servers, problem: (error: Error) => void) {
    this.#servers = servers;
    this.#problem = problem;
  }

  /** Logs in at the real servers, and forgets what they keep of earlier demos: contacts, requests, rooms. */
  async gather(): Promise<void> {
    const { xmpp, matrix } = this.#servers;
    if (xmpp !== undefined) {
      this.#romeo = await XmppPerson.login(xmpp, 'romeo', this.#problem);
      await this.#romeo.forget(jidOfAnn(xmpp));
      await this.#romeo.shows(undefined, 'in the orchard');
    }
    if (matrix !== undefined) {
      this.#dave = await MatrixPerson.login(matrix, 'dave', this.#problem);
      await this.#dave.forget(ghostOfAnn(matrix));
    }
  }

  /** Waits until the gateways are connected; then the phones log in and note down their contacts. */
  async enter(house: House): Promise<void> {
    const started = performance.now();
    while (Object.values(house.readiness().parts).some((state) => state !== 'up')) {
      if (performance.now() - started > DEADLINE_MS) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const { host, port } = house.addresses.csp;
    const url = `http://${host}:${port}/csp`;
    this.#ann = await PhoneUser.login(url, 'ann');
    this.#bea = await PhoneUser.login(url, 'bea');
    await this.#noteContacts(this.#ann);
  }

  scenes(): readonly Scene[] {
    const { xmpp, matrix } = this.#servers;
    const scenes: Scene[] = [];
    if (this.#ann === undefined || this.#bea === undefined) return scenes;
    scenes.push(phonesScene(this.#ann, this.#bea));
    if (xmpp !== undefined && this.#romeo !== undefined)
      scenes.push(xmppScene(this.#ann, jidOfAnn(xmpp), this.#romeo));
    if (matrix !== undefined && this.#dave !== undefined)
      scenes.push(
        matrixScene(this.#ann, ghostOfAnn(matrix), this.#dave, `wv:gateway@${MATRIX_PSEUDO_DOMAIN}`),
      );
    return scenes;
  }

  /** Everybody logs out. */
  async leave(): Promise<void> {
    const people = [this.#ann, this.#bea, this.#romeo, this.#dave];
    this.#ann = this.#bea = undefined;
    this.#romeo = this.#dave = undefined;
    for (const person of people) await person?.logout();
  }

  async #noteContacts(ann: PhoneUser): Promise<void> {
    const contacts = [
      { name: 'Bea', user: addressOf('bea') },
      ...(this.#romeo === undefined ? [] : [{ name: 'Romeo', user: this.#romeo.address }]),
      ...(this.#dave === undefined ? [] : [{ name: 'Dave', user: this.#dave.address }]),
    ];
    await ann.client.createList(ann.address.replace('@', '/friends@'), { contacts, displayName: 'Friends' });
  }
}

function jidOfAnn(server: XmppServer): string {
  return `ann@${server.components.main.domain}`;
}

function ghostOfAnn({ registrations, serverName }: MatrixServer): string {
  return `@${registrations.main.prefix}ann:${serverName}`;
}
