// The books of a run with groups: what the server has promised, and what it was seen to break.

/** Who is in a group, as far as the answers tell. */
interface KnownGroup {
  readonly owner: string;
  readonly inside: Set<string>;
  readonly members: Set<string>;
  /** Counts beginnings and ends of comings and goings: odd while one is under way. */
  readonly moves: Map<string, number>;
}

export interface KnownInvitation {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Membership is offered. */
  readonly group?: string;
  /** Who has been asked has answered so, and the server took it. */
  answered?: boolean;
}

/** Who surely gets a message that is sent now, if nobody comes or goes meanwhile. */
export type Audience = ReadonlyMap<string, number>;

export class GroupBooks {
  readonly groups = new Map<string, KnownGroup>();
  readonly invitations = new Map<string, KnownInvitation>();
  accepted = 0;
  readonly #violations: string[] = [];
  /** `person text` → the MessageIDs under which it came; empty: it has to come yet. */
  readonly #texts = new Map<string, Set<string>>();
  /** `person id` of what a person confirmed, and the server surely heard it. */
  readonly #confirmed = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #answers = new Map<string, boolean>();

  get violations(): readonly string[] {
    return this.#violations;
  }

  violation(what: string): void {
    this.#violations.push(what);
  }

  created(group: string, owner: string): void {
    const alone = (): Set<string> => new Set([owner]);
    this.groups.set(group, { owner, inside: alone(), members: alone(), moves: new Map() });
  }

  /** Before somebody asks to come or go, and when he has his answer. */
  moves(group: string, person: string): void {
    const moves = this.groups.get(group)?.moves;
    moves?.set(person, (moves.get(person) ?? 0) + 1);
  }

  audience(group: string, except: string): Audience {
    const known = this.groups.get(group);
    const staying = [...(known?.inside ?? [])].flatMap((person) => {
      const moves = known?.moves.get(person) ?? 0;
      return person === except || moves % 2 === 1 ? [] : [[person, moves] as const];
    });
    return new Map(staying);
  }

  /** A message was taken for a group: those who were in it all the time must get it. */
  promised(group: string, text: string, audience: Audience): void {
    const known = this.groups.get(group);
    for (const [person, moves] of audience) {
      if (known?.inside.has(person) === true && (known.moves.get(person) ?? 0) === moves)
        this.expect(person, text);
    }
    this.accepted += 1;
  }

  expect(person: string, text: string): void {
    this.#idsOf(person, text);
  }

  shown(person: string, text: string, id: string): void {
    const ids = this.#idsOf(person, text);
    ids.add(id);
    if (ids.size > 1) this.violation(`${person} was shown ${text} under ${ids.size} MessageIDs`);
    this.#notConfirmed(person, id, text);
  }

  /** An invitation or the answer to one was shown; `id` tells which of the two and whose. */
  shownNotice(person: string, id: string): void {
    this.#asked.add(`${person} ${id}`);
    this.#notConfirmed(person, id, 'it');
  }

  shownAnswer(person: string, id: string, accepted: boolean): void {
    const before = this.#answers.get(id);
    if (before !== undefined && before !== accepted) this.violation(`${person} got two answers to ${id}`);
    this.#answers.set(id, accepted);
    this.shownNotice(person, `answer ${id}`);
  }

  /** `surely`: the server that handed it out is the one that heard it, too. */
  confirmed(person: string, id: string, surely: boolean): void {
    if (surely) this.#confirmed.add(`${person} ${id}`);
  }

  #notConfirmed(person: string, id: string, what: string): void {
    if (this.#confirmed.has(`${person} ${id}`))
      this.violation(`${person} got ${what} again (${id}) after confirming it`);
  }

  #idsOf(person: string, text: string): Set<string> {
    const key = `${person} ${text}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const ids = new Set<string>();
    this.#texts.set(key, ids);
    return ids;
  }

  /** When everybody has fetched everything: what did not come is lost. */
  balance(): void {
    for (const [key, ids] of this.#texts) if (ids.size === 0) this.violation(`lost: ${key}`);
    for (const { id, from, to, answered } of this.invitations.values()) {
      if (!this.#asked.has(`${to} ${id}`)) this.violation(`${to} never heard of ${id}`);
      if (answered === undefined) continue;
      if (this.#answers.get(id) !== answered) this.violation(`${from} does not know the answer to ${id}`);
    }
  }
}
