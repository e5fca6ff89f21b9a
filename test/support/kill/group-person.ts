// Somebody who makes groups, comes and goes, writes, whispers, invites and forwards, as chance will have it. Each deed
// goes into the books when the server has answered it.

import { answerInvitation, elements, invite, sendMessage, users } from '../csp-variants.ts';
import { addMembers, createGroup, joinGroup, leaveGroup, toGroup, toName } from '../group-variants.ts';
import type { GroupBooks, KnownInvitation } from './group-books.ts';
import type { GroupPhone } from './group-phone.ts';
import type { Random } from './random.ts';

const MAX_GROUPS = 3;
const FETCHED_AT_ONCE = 5;
/** One direct message in so many is forwarded. */
const FORWARDED = 2;

export interface Company {
  readonly books: GroupBooks;
  readonly random: Random;
  readonly domain: string;
  readonly people: readonly GroupPerson[];
  /** A text or id that no other deed has. */
  readonly unique: (kind: string) => string;
}

export class GroupPerson {
  readonly phone: GroupPhone;
  readonly #company: Company;
  readonly #open: string[] = [];
  readonly #forwarded = new Set<string>();
  #groups = 0;

  constructor(phone: GroupPhone, company: Company) {
    this.phone = phone;
    this.#company = company;
    phone.onInvitation = (id) => this.#invited(id);
    phone.onDirect = (id, text) => this.#forward(id, text);
  }

  get name(): string {
    return this.phone.name;
  }

  /** Does something. */
  async act(): Promise<void> {
    const deeds = [
      () => this.#create(),
      () => this.#comeOrGo(),
      () => this.#addMember(),
      () => this.#write(),
      () => this.#write(),
      () => this.#whisper(),
      () => this.#direct(),
      () => this.#invite(),
      () => this.answer(),
      () => this.phone.fetch(FETCHED_AT_ONCE),
      () => this.phone.fetch(FETCHED_AT_ONCE),
    ];
    await deeds[this.#company.random.below(deeds.length)]?.();
  }

  #pick<T>(among: Iterable<T>): T | undefined {
    const all = [...among];
    return all[this.#company.random.below(all.length)];
  }

  #other(): GroupPerson | undefined {
    return this.#pick(this.#company.people.filter((person) => person !== this));
  }

  async #create(): Promise<void> {
    if (this.#groups >= MAX_GROUPS) return this.#write();
    this.#groups += 1;
    const group = `wv:${this.name}/g${this.#groups}@${this.#company.domain}`;
    const request = createGroup(group, { join: true, name: this.name, subscribe: true });
    await this.phone.expect(request, `CreateGroup ${group}`, [801]);
    this.#company.books.created(group, this.name);
  }

  async #comeOrGo(): Promise<void> {
    const { books } = this.#company;
    const [group, known] = this.#pick(books.groups) ?? [];
    if (group === undefined || known === undefined) return;
    const leaves = known.inside.has(this.name);
    books.moves(group, this.name);
    if (leaves) {
      await this.phone.expect(leaveGroup(group), `LeaveGroup ${group}`, [808]);
      known.inside.delete(this.name);
    } else {
      await this.phone.expect(joinGroup(group, { name: this.name }), `JoinGroup ${group}`);
      known.inside.add(this.name);
    }
    books.moves(group, this.name);
  }

  async #addMember(): Promise<void> {
    const own = [...this.#company.books.groups].filter(([, { owner }]) => owner === this.name);
    const [group, known] = this.#pick(own) ?? [];
    const other = this.#other();
    if (group === undefined || known === undefined || other === undefined) return;
    await this.phone.expect(addMembers('1.2', group, other.phone.user), `AddGroupMembers ${group}`);
    known.members.add(other.name);
  }

  #joined(): string | undefined {
    const groups = [...this.#company.books.groups];
    return this.#pick(groups.filter(([, { inside }]) => inside.has(this.name)))?.[0];
  }

  async #write(): Promise<void> {
    const group = this.#joined();
    if (group === undefined) return;
    const { books, unique } = this.#company;
    const text = unique('g');
    const audience = books.audience(group, this.name);
    await this.phone.expect(this.#message(text, toGroup(group)), `a message to ${group}`);
    books.promised(group, text, audience);
  }

  /** To somebody who may leave meanwhile: then there is nobody of that name (410). */
  async #whisper(): Promise<void> {
    const group = this.#joined();
    if (group === undefined) return;
    const { books, unique } = this.#company;
    const audience = books.audience(group, this.name);
    const [to, moves] = this.#pick(audience) ?? [];
    if (to === undefined || moves === undefined) return;
    const text = unique('w');
    const request = this.#message(text, toName(group, to));
    const { code } = await this.phone.expect(request, `a whisper in ${group}`, [], [200, 410]);
    if (code === 200) books.promised(group, text, new Map([[to, moves]]));
    else if (books.audience(group, '').get(to) === moves) {
      books.violation(`${this.name}: no whisper to ${to}, who was in ${group} all the time`);
    }
  }

  async #direct(): Promise<void> {
    const other = this.#other();
    if (other === undefined) return;
    const text = this.#company.unique('d');
    await this.phone.expect(this.#message(text, users(other.phone.user)), 'a message');
    this.#company.books.expect(other.name, text);
    this.#company.books.accepted += 1;
  }

  /** With a date, so that the server knows it again when it is sent once more. */
  #message(text: string, recipient: string): string {
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    return sendMessage(text, [], { recipient, info: elements('DateTime', now) });
  }

  /** True = it went on to somebody else, and need not be confirmed. */
  async #forward(id: string, text: string): Promise<boolean> {
    const { random, books } = this.#company;
    const other = this.#other();
    // What was forwarded once stays where it is.
    if (!text.startsWith('d') || other === undefined || this.#forwarded.has(text)) return false;
    for (const person of this.#company.people) person.#forwarded.add(text);
    if (random.below(FORWARDED) !== 0) return false;
    const recipient = elements('Recipient', users(other.phone.user));
    const request = elements('ForwardMessage-Request', elements('MessageID', id) + recipient);
    await this.phone.expect(request, `ForwardMessage ${id}`, [426]);
    books.expect(other.name, text);
    return true;
  }

  async #invite(): Promise<void> {
    const { books, unique } = this.#company;
    const other = this.#other();
    if (other === undefined) return;
    const own = [...books.groups].find(([, { owner }]) => owner === this.name)?.[0];
    const id = unique('i');
    const offer = own === undefined ? {} : { type: 'GM', offer: elements('GroupID', own) };
    const invitation: KnownInvitation = {
      id,
      from: this.name,
      to: other.name,
      ...(own === undefined ? {} : { group: own }),
    };
    await this.phone.expect(invite(id, [other.phone.user], offer), `Invite ${id}`);
    books.invitations.set(id, invitation);
  }

  #invited(id: string): void {
    if (!this.#open.includes(id)) this.#open.push(id);
  }

  /** Says yes or no to an invitation that came. @returns false when there is none */
  async answer(): Promise<boolean> {
    const { books, random } = this.#company;
    const id = this.#open[0];
    // He may have heard of it before the one who invites him has his answer.
    const invitation = books.invitations.get(id ?? '');
    if (id === undefined || invitation === undefined || invitation.answered !== undefined) {
      this.#open.shift();
      if (id !== undefined && invitation === undefined) this.#open.push(id);
      return this.#open.length > 0;
    }
    this.#open.shift();
    const accepted = random.below(2) === 0;
    await this.phone.expect(answerInvitation(id, accepted), `the answer to ${id}`, [423]);
    invitation.answered = accepted;
    if (accepted && invitation.group !== undefined)
      books.groups.get(invitation.group)?.members.add(this.name);
    return true;
  }
}
