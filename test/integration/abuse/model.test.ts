// A random conversation of many against a simple model: what was answered 200 is received by its recipient, in the
// order of its sender, and never again after it was confirmed.

import { expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import { systemClock } from '../../../src/ops/clock.ts';
import { Chance, RememberedLog, watchForUncaught } from '../../support/abuse.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, pollOnly, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Habits, type Heard, type Phone } from '../../support/phone.ts';

const PEOPLE = 6;
const OPERATIONS = 1000;
const FAMILIES: readonly Habits[] = [HABITS.android, HABITS.androidWbxml, HABITS.s60, HABITS.razr];

/** One of them: does one thing after the other, beside all the others. */
class Person {
  readonly address: string;
  readonly #scene: Scene;
  readonly #chance: Chance;
  readonly #habits: Habits;
  #phone: Phone | undefined;
  #written = 0;
  /** Texts that were answered 200, by recipient, in order. */
  readonly sent = new Map<string, string[]>();
  /** Texts in the order in which they were first seen, by sender. */
  readonly received = new Map<string, string[]>();
  readonly #seen = new Set<string>();
  readonly #confirmed = new Set<string>();

  constructor(scene: Scene, address: string, seed: number) {
    this.#scene = scene;
    this.address = address;
    this.#chance = new Chance(seed);
    this.#habits = this.#chance.pick(FAMILIES);
  }

  async act(everybody: readonly Person[]): Promise<void> {
    const what = this.#chance.below(100);
    if (what < 5) await this.#leave();
    else if (what < 12) this.#phone = undefined;
    else if (what < 60) await this.#write(this.#chance.pick(everybody));
    else await this.#read(what < 85);
  }

  async #online(): Promise<Phone> {
    return (this.#phone ??= await this.#scene.online(this.address, this.#habits));
  }

  async #leave(): Promise<void> {
    if (this.#phone !== undefined) expect(codeOf(await this.#phone.say(android.logout()))).toBe(200);
    this.#phone = undefined;
  }

  async #write(to: Person): Promise<void> {
    const phone = await this.#online();
    const text = `${this.address} ${(this.#written += 1)}`;
    const code = codeOf(await phone.say(android.sendMessage(this.address, to.address, text)));
    expect(code, text).toBe(200);
    this.sent.set(to.address, [...(this.sent.get(to.address) ?? []), text]);
  }

  /** Answers to confirmations bring more; those are confirmed too, until nothing comes. */
  async #read(confirming: boolean): Promise<void> {
    const phone = await this.#online();
    for (let pending = [await pollOnly(phone)]; pending.length > 0;) {
      const answers: Heard[] = [];
      for (const heard of pending) {
        const texts = this.#note(heard);
        if (!confirming) continue;
        answers.push(...(await phone.acknowledge(heard)));
        for (const text of texts) this.#confirmed.add(text);
      }
      pending = answers;
    }
  }

  #note({ transactions }: Heard): string[] {
    return transactions.flatMap(({ content }) => {
      if (content?.name !== 'NewMessage') return [];
      const text = childText(content, 'ContentData') ?? '';
      const sender = child(child(child(content, 'MessageInfo'), 'Sender'), 'User');
      expect(this.#confirmed, `confirmed and told again: ${text}`).not.toContain(text);
      if (!this.#seen.has(text)) this.#keep(childText(sender, 'UserID') ?? '', text);
      return [text];
    });
  }

  #keep(sender: string, text: string): void {
    this.#seen.add(text);
    this.received.set(sender, [...(this.received.get(sender) ?? []), text]);
  }

  /** Logs in afresh, so that everything unconfirmed comes again, and takes all of it. */
  async drain(): Promise<void> {
    await this.#leave();
    await this.#read(true);
  }
}

it.each([1, 2, 3])(
  `${OPERATIONS} random operations of ${PEOPLE} people, seed %i`,
  { timeout: 60_000 },
  async (seed) => {
    const checkUncaught = watchForUncaught();
    const remembered = new RememberedLog();
    const scene = await startScene({ clock: systemClock, log: remembered.log });
    try {
      const addresses = await Promise.all(Array.from({ length: PEOPLE }, () => scene.person()));
      const everybody = addresses.map((address, index) => new Person(scene, address, seed * 100 + index));
      await Promise.all(
        everybody.map(async (person) => {
          for (let i = 0; i < OPERATIONS / PEOPLE; i += 1) await person.act(everybody);
        }),
      );
      await Promise.all(everybody.map((person) => person.drain()));
      for (const from of everybody) {
        for (const to of everybody) {
          expect(to.received.get(from.address) ?? []).toEqual(from.sent.get(to.address) ?? []);
        }
      }
      expect(remembered.errors()).toEqual([]);
    } finally {
      await scene.stop();
      checkUncaught();
    }
  },
);
