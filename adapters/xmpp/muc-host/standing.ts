// What an occupant may do, looked at again: the home tells nobody when a phone changes somebody's rights (bridging 7.2).

import { presenceFor, propertiesOf, tellAll } from './context.ts';
import type { HostContext } from './context.ts';
import { learnPrivileges } from './joining.ts';
import { ownStanding } from './room.ts';
import type { Occupant, Room } from './room.ts';

/** How long a look at the rights of somebody counts, ms. */
const FRESH_MS = 10_000;

export class Standings {
  readonly #context: HostContext;
  readonly #lookedAt = new WeakMap<Occupant, number>();

  constructor(context: HostContext) {
    this.#context = context;
  }

  /** Asks the home, unless it was asked a moment ago and nothing depends on it; everybody on XMPP sees a change. */
  async refresh(room: Room, occupant: Occupant, matters: boolean): Promise<void> {
    const now = this.#context.bridge.relay.clock.now();
    const since = now - (this.#lookedAt.get(occupant) ?? Number.NEGATIVE_INFINITY);
    if (since < FRESH_MS && !matters) return;
    this.#lookedAt.set(occupant, now);
    const properties = await propertiesOf(this.#context, occupant.user, room.group);
    if ('code' in properties) return;
    const { standing } = ownStanding(room, occupant.user, properties.ownProperties);
    const { affiliation, role } = occupant.standing;
    if (standing.affiliation === affiliation && standing.role === role) return;
    occupant.standing = standing;
    if (standing.role === 'moderator') await learnPrivileges(this.#context, room, occupant);
    await this.#show(room, occupant);
  }

  async #show(room: Room, occupant: Occupant): Promise<void> {
    const about = room.presentAs(occupant.nick) ?? { nick: occupant.nick };
    await tellAll(this.#context, room.occupants.values(), (viewer, resource) => [
      presenceFor(this.#context, room, about, viewer, resource, {
        statuses: viewer === occupant ? ['110'] : [],
      }),
    ]);
  }
}
