// The process dies at each call of the store in turn, before or after it took effect: between "accepted" and
// "delivered" there is no await at which a message, a report or an invitation is lost or doubled.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/wv/element.ts';
import { child, childText } from '../../src/wv/element.ts';
import { elements, sendMessage } from '../support/csp-variants.ts';
import { createGroup, joinGroup, toGroup } from '../support/group-variants.ts';
import { MortalDisk, type Death } from '../support/mortal-disk.ts';
import { HABITS, type Heard, type Phone } from '../support/phone.ts';
import { codeOf, drain, startScene, texts, type Scene } from '../support/phone-scene.ts';

const disk = new MortalDisk();
let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ storeFilter: disk.filter });
});
afterAll(() => scene.stop());

const DATE = elements('DateTime', '20080522T105600Z');
/** More calls than any of these stories makes. */
const MANY = 200;

/** People with their phones, who go on after each death of the server. */
class Company {
  readonly addresses: Readonly<Record<string, string>>;
  readonly #phones: Record<string, Phone>;
  readonly #came: Record<string, Element[]> = {};
  #lastId = 0;

  private constructor(addresses: Record<string, string>, phones: Record<string, Phone>) {
    this.addresses = addresses;
    this.#phones = phones;
  }

  static async gather(...names: string[]): Promise<Company> {
    const addresses: Record<string, string> = {};
    const phones: Record<string, Phone> = {};
    for (const name of names) {
      const address = await scene.person(name);
      addresses[name] = address;
      phones[name] = await scene.online(address, { ...HABITS.android, headers: [], clientId: PLAIN });
    }
    return new Company(addresses, phones);
  }

  /** Says something until a living server answered it: the same octets again, as clients do that saw no answer. */
  async says(name: string, primitive: string): Promise<Heard> {
    const id = `t${(this.#lastId += 1)}`;
    for (;;) {
      const heard = await this.#phone(name).say(primitive, { id });
      if (!disk.dead) return heard;
      await this.#revive();
    }
  }

  /** Takes and confirms whatever waits. */
  async listens(name: string): Promise<void> {
    for (;;) {
      const came = await drain(this.#phone(name));
      this.#came[name] = [...(this.#came[name] ?? []), ...came];
      if (!disk.dead) return;
      await this.#revive();
    }
  }

  /** What came of one kind, by what identifies it; a repeat counts once. */
  heard(name: string, primitive: string, key: (content: Element) => string): string[] {
    const found = (this.#came[name] ?? []).filter((content) => content.name === primitive);
    return [...new Set(found.map(key))];
  }

  #phone(name: string): Phone {
    const phone = this.#phones[name];
    if (phone === undefined) throw new Error(`nobody is called ${name}`);
    return phone;
  }

  async #revive(): Promise<void> {
    await scene.restart();
    for (const [name, phone] of Object.entries(this.#phones)) this.#phones[name] = scene.again(phone);
  }
}

const PLAIN = '<ClientID><URL>plain</URL></ClientID>';
const messageId = (content: Element): string => childText(child(content, 'MessageInfo'), 'MessageID') ?? '';
const idAndText = (content: Element): string =>
  `${messageId(content)} ${childText(content, 'ContentData') ?? ''}`;
const outcome = (content: Element): string => childText(child(content, 'Result'), 'Code') ?? '';

interface Story {
  readonly title: string;
  /** Before anything dies. */
  readonly begin: () => Promise<Company>;
  readonly play: (company: Company) => Promise<void>;
  readonly end: (company: Company) => void;
}

const STORIES: readonly Story[] = [
  {
    title: 'a message, its delivery and its report',
    begin: () => Company.gather('ann', 'bea'),
    async play(company) {
      const { bea = '' } = company.addresses;
      const sent = await company.says('ann', sendMessage('hello', [bea], { report: true, info: DATE }));
      expect(codeOf(sent)).toBe(200);
      await company.listens('bea');
      await company.listens('ann');
    },
    end(company) {
      expect(company.heard('bea', 'NewMessage', idAndText)).toEqual([expect.stringMatching(/ hello$/)]);
      expect(company.heard('ann', 'DeliveryReport-Request', outcome)).toEqual(['200']);
      expect(company.heard('ann', 'DeliveryReport-Request', messageId)).toHaveLength(1);
    },
  },
  {
    title: 'a message that is forwarded',
    async begin() {
      const company = await Company.gather('ann', 'bea', 'cy');
      await company.says('bea', elements('SetDeliveryMethod-Request', elements('DeliveryMethod', 'N')));
      return company;
    },
    async play(company) {
      const { bea = '', cy = '' } = company.addresses;
      const sent = await company.says('ann', sendMessage('pass it on', [bea], { report: true, info: DATE }));
      const [id = ''] = texts(sent.content, 'MessageID');
      await company.listens('bea');
      const recipient = elements('Recipient', elements('User', elements('UserID', cy)));
      const request = elements('ForwardMessage-Request', elements('MessageID', id) + recipient);
      // 426: it was forwarded already when the server died.
      expect([200, 426]).toContain(codeOf(await company.says('bea', request)));
      await company.listens('cy');
      await company.listens('ann');
    },
    end(company) {
      expect(company.heard('cy', 'NewMessage', idAndText)).toEqual([expect.stringMatching(/ pass it on$/)]);
      expect(company.heard('ann', 'DeliveryReport-Request', outcome)).toEqual(['541']);
    },
  },
  {
    title: 'a message to a group',
    async begin() {
      const company = await Company.gather('ann', 'bea', 'cy');
      const group = company.addresses['ann']?.replace('@', '/oak@') ?? '';
      await company.says('ann', createGroup(group, { join: true, name: 'Ann' }));
      for (const name of ['bea', 'cy']) await company.says(name, joinGroup(group, { name }));
      return company;
    },
    async play(company) {
      const group = company.addresses['ann']?.replace('@', '/oak@') ?? '';
      const message = sendMessage('to all', [], { recipient: toGroup(group), info: DATE });
      expect(codeOf(await company.says('ann', message))).toBe(200);
      for (const name of ['bea', 'cy']) await company.listens(name);
    },
    end(company) {
      for (const name of ['bea', 'cy']) {
        expect(company.heard(name, 'NewMessage', idAndText)).toEqual([expect.stringMatching(/ to all$/)]);
      }
    },
  },
  {
    title: 'an invitation and its answer',
    begin: () => Company.gather('ann', 'bea'),
    async play(company) {
      const { ann = '', bea = '' } = company.addresses;
      const user = (address: string): string => elements('User', elements('UserID', address));
      const invitation =
        elements('InviteID', 'tea') + elements('InviteType', 'IM') + elements('Recipient', user(bea));
      const invited = await company.says(
        'ann',
        elements('Invite-Request', invitation + elements('Validity', '3600')),
      );
      expect(codeOf(invited)).toBe(200);
      await company.listens('bea');
      const answer =
        elements('InviteID', 'tea') + elements('Acceptance', 'T') + elements('Sender', user(ann));
      // 423: it was answered already when the server died.
      expect([200, 423]).toContain(
        codeOf(await company.says('bea', elements('InviteUser-Response', answer))),
      );
      await company.listens('ann');
    },
    end(company) {
      const inviteId = (content: Element): string => childText(content, 'InviteID') ?? '';
      expect(company.heard('bea', 'InviteUser-Request', inviteId)).toEqual(['tea']);
      expect(company.heard('ann', 'Invite-Response', inviteId)).toEqual(['tea']);
    },
  },
];

/** Plays a story with a death at that call; false when the story has fewer calls. */
async function playWithDeath(story: Story, call: number, death: Death): Promise<boolean> {
  const company = await story.begin();
  disk.arm(call, death);
  await story.play(company);
  const isOver = disk.disarm();
  story.end(company);
  scene.closePhones();
  return !isOver;
}

describe.each(STORIES)('$title', (story) => {
  it.each(['before', 'after'] as const)(
    'survives a death %s each call of the store',
    { timeout: 60_000 },
    async (death) => {
      let deaths = 0;
      for (let call = 1; call < MANY; call += 1) {
        const died = await playWithDeath(story, call, death).catch((error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          throw new Error(`death ${death} call ${call}: ${words}`, { cause: error });
        });
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(3);
      expect(deaths).toBeLessThan(MANY - 2);
    },
  );
});
