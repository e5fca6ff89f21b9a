// A room of the XMPP server and a group of ours, with the same people in both, through a disaster.

import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { mucDomain } from '../../../scripts/stack/layout.ts';
import type { XmppServer } from '../../../scripts/stack/description.ts';
import { eventually } from '../eventually.ts';
import type { Disaster } from './disasters.ts';
import type { Friend } from './friend.ts';
import type { Phone } from './phone.ts';
import type { Town } from './town.ts';

const PRESENCE_MS = 5_000;

interface Place {
  /** Its two names. */
  readonly group: string;
  readonly room: string;
}

export class TwoRooms {
  readonly #town: Town;
  readonly theirs: Place;
  readonly ours: Place;
  readonly #inside = new Set<string>();
  #serial = 0;

  private constructor(town: Town, theirs: Place, ours: Place) {
    this.#town = town;
    this.theirs = theirs;
    this.ours = ours;
  }

  /** `ann` and `bea` have phones; `nurse`, `mercutio` and `juliet` are on XMPP. */
  static async open(town: Town, server: XmppServer, name: string): Promise<TwoRooms> {
    const muc = mucDomain(server.domain);
    const theirs = { group: `wv:/${name}@${muc}`, room: `${name}@${muc}` };
    const ann = town.phone('ann').names;
    const domain = ann.wv.split('@')[1] ?? '';
    const ours = {
      group: `wv:${ann.name}/${name}@${domain}`,
      room: `${ann.name}\\2f${name}@${server.components.test.groups}`,
    };
    const rooms = new TwoRooms(town, theirs, ours);
    await town.friend('nurse').rooms.enter(theirs.room);
    await eventually('the room is there', () => town.friend('nurse').rooms.occupants(theirs.room).length > 0);
    const form = `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit"/></query>`;
    await town.friend('nurse').asks(theirs.room, form);
    await town.phone('ann').client.groups.create(ours.group, { screenName: 'ann' });
    await town.phone('bea').client.groups.join(ours.group, { screenName: 'bea' });
    for (const phone of rooms.#phones)
      await phone.client.groups.join(theirs.group, { screenName: rooms.#nickOf(phone) });
    await town.friend('nurse').rooms.enter(ours.room);
    for (const other of ['mercutio', 'juliet'] as const) {
      await town.friend(other).rooms.enter(theirs.room);
      await town.friend(other).rooms.enter(ours.room);
    }
    for (const nick of ['ann', 'bea', 'nurse', 'mercutio', 'juliet']) rooms.#inside.add(nick);
    await rooms.rightly(20_000);
    return rooms;
  }

  /** juliet's client ends, and bea leaves where she can; @returns ms until the last one is in or out on both sides */
  async survive(disaster: Disaster): Promise<number> {
    const town = this.#town;
    await disaster.strikes(town);
    if (disaster.phonesWork) {
      // Not waited for: where everything is swallowed, the answer comes when it is over, or not at all (504).
      for (const { group } of this.#places)
        town
          .phone('bea')
          .client.groups.leave(group)
          .catch(() => undefined);
      this.#inside.delete('bea');
    }
    await town.friend('juliet').goesOffline();
    this.#inside.delete('juliet');
    const attempts = town.proxy.connections;
    await disaster.isOver(town);
    await eventually('a new stream', () => town.proxy.connections > attempts, 60_000);
    await town.gateway.ready();
    await town.friendsAreBack();
    const back = performance.now();
    await this.rightly(PRESENCE_MS);
    return performance.now() - back;
  }

  /** Both sides speak in both rooms, and everybody there hears it once. */
  async talk(): Promise<void> {
    const texts: [place: Place, text: string][] = [];
    for (const place of this.#places) {
      for (const who of ['ann', 'nurse'] as const) {
        const text = `${who} ${(this.#serial += 1)}`;
        texts.push([place, text]);
        if (who === 'nurse') await this.#town.friend(who).says(place.room, text);
        else {
          const message = { to: { group: place.group }, content: text, repeatable: true };
          await this.#town.phone(who).client.sendMessage(message);
        }
      }
    }
    await eventually(
      () => `everybody hears all: ${this.#unheard(texts).join('; ')}`,
      () => this.#unheard(texts).length === 0,
    );
  }

  /** What somebody was shown twice. */
  repeats(): readonly string[] {
    const heard = [
      ...this.#phones.map(({ names, said }) => ({ name: names.name, said })),
      ...this.#friends.flatMap(({ names, rooms }) =>
        this.#places.map(({ room }) => ({ name: names.name, said: rooms.said(room) })),
      ),
    ];
    return heard.flatMap(({ name, said }) =>
      said.filter((text, at) => said.indexOf(text) !== at).map((text) => `${name} heard “${text}” twice`),
    );
  }

  /** Resolves when on both sides those are in who are in. */
  async rightly(withinMs: number): Promise<void> {
    let wrong: readonly string[] = [];
    await eventually(
      () => `everybody is seen in the rooms: ${wrong.join('; ')}`,
      async () => {
        wrong = await this.#mistakes();
        return wrong.length === 0;
      },
      withinMs,
    );
  }

  async #mistakes(): Promise<readonly string[]> {
    const right = [...this.#inside].toSorted().join();
    const wrong: string[] = [];
    for (const { room, group } of this.#places) {
      for (const { names, rooms } of this.#friends) {
        const seen = rooms.occupants(room).join();
        if (seen !== right) wrong.push(`${names.name} sees ${seen} in ${room}, not ${right}`);
      }
      for (const phone of this.#phones) {
        const { groups } = phone.client;
        const names = await groups.participants(group).catch((error: unknown) => String(error));
        const seen = typeof names === 'string' ? names : names.map(({ screenName }) => screenName).toSorted().join(); // prettier-ignore
        if (seen !== right) wrong.push(`${phone.names.name} sees ${seen} in ${group}, not ${right}`);
      }
    }
    return wrong;
  }

  #unheard(texts: readonly (readonly [place: Place, text: string])[]): readonly string[] {
    return texts.flatMap(([{ room, group }, text]) => [
      ...this.#friends
        .filter(({ rooms }) => !rooms.said(room).includes(text))
        .map(({ names }) => `${names.name} has not heard “${text}”`),
      ...this.#phones
        // Nobody is told his own words in WV.
        .filter(
          (phone) => !text.startsWith(`${this.#nickOf(phone)} `) && !phone.said.includes(`${group} ${text}`),
        )
        .map(({ names }) => `${names.name} has not heard “${text}”`),
    ]);
  }

  get #places(): readonly Place[] {
    return [this.theirs, this.ours];
  }

  /** Those who are in. */
  get #friends(): readonly Friend[] {
    return [...this.#town.friends].filter(([name]) => this.#inside.has(name)).map(([, friend]) => friend);
  }

  get #phones(): readonly Phone[] {
    const { phones } = this.#town;
    const all = [...phones].filter(([name]) => name === 'ann' || name === 'bea');
    return all
      .filter(([name]) => this.#inside.size === 0 || this.#inside.has(name))
      .map(([, phone]) => phone);
  }

  #nickOf({ names }: Phone): string {
    return names.name.slice(0, 3);
  }
}
