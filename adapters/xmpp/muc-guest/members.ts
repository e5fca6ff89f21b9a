// Members and rejected users of rooms of other servers: affiliations and roles (bridging section 7.2; XEP-0045 sections
// 9 and 10). The room decides who may ask and change; our user's own JID asks.

import type { UserAddress } from '../../../src/wv/ids.ts';
import { status } from '../../../src/wv/primitives.ts';
import type {
  GetGroupMemberResponse,
  MemberAccessRequest,
  RejectListRequest,
  RejectListResponse,
  ResponsePrimitive,
  Status,
} from '../../../src/wv/primitives.ts';
import { combine, isSuccess, OK } from '../../../src/wv/status.ts';
import type { DetailedResult, Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import type { Bridge } from '../bridge.ts';
import { statusOfError } from '../errors.ts';
import type { IqRequests } from '../iq-requests.ts';
import { bareJid, parseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { elementsOf, xml } from '../xml.ts';
import { ADMINISTERING } from './codes.ts';
import { inside } from './form.ts';
import type { Guests, Place } from './guests.ts';
import { addressOf, jidOf } from './people.ts';
import { puppetJid } from './stanzas.ts';

type Affiliation = 'owner' | 'admin' | 'member' | 'outcast' | 'none';
type Role = 'moderator' | 'participant';

/** Members of one list; more are not read. */
const MAX_LISTED = 5_000;
/** Changes asked for at once. */
const MAX_AT_ONCE = 20;

interface Change {
  readonly user: UserAddress;
  readonly affiliation: Affiliation;
  /** What he is to be while he is in the room. */
  readonly role?: Role;
}

export class RoomMembers {
  readonly #bridge: Bridge;
  readonly #guests: Guests;
  readonly #iq: IqRequests;

  constructor(bridge: Bridge, guests: Guests, iq: IqRequests) {
    this.#bridge = bridge;
    this.#guests = guests;
    this.#iq = iq;
  }

  /** 816, 800. */
  async list(place: Place): Promise<GetGroupMemberResponse | Status> {
    const attributes = [
      { affiliation: 'owner' },
      { affiliation: 'admin' },
      { affiliation: 'member' },
      { role: 'moderator' },
    ];
    const lists = await Promise.all(attributes.map((attribute) => this.#listed(place, attribute)));
    const refused = lists.find((list) => 'code' in list);
    if (refused !== undefined && 'code' in refused) return status(refused);
    const [owners = [], chiefs = [], members = [], present = []] = lists.map((list) =>
      'code' in list ? [] : list,
    );
    const admins = new Set([...owners, ...chiefs]);
    const moderators = new Set(present.filter((user) => !admins.has(user)));
    const users = new Set(members.filter((user) => !admins.has(user) && !moderators.has(user)));
    return {
      primitive: 'GetGroupMemberResponse',
      result: OK,
      admins: [...admins],
      moderators: [...moderators],
      users: [...users],
    };
  }

  async add(place: Place, users: readonly UserAddress[]): Promise<Status> {
    return status(
      await this.#change(
        place,
        users.map((user) => ({ user, affiliation: 'member' })),
      ),
    );
  }

  async remove(place: Place, users: readonly UserAddress[]): Promise<Status> {
    return status(
      await this.#change(
        place,
        users.map((user) => ({ user, affiliation: 'none' })),
      ),
    );
  }

  async setAccess(place: Place, { admins, moderators, users }: MemberAccessRequest): Promise<Status> {
    return status(
      await this.#change(place, [
        ...admins.map((user): Change => ({ user, affiliation: 'admin' })),
        ...moderators.map((user): Change => ({ user, affiliation: 'member', role: 'moderator' })),
        ...users.map((user): Change => ({ user, affiliation: 'member', role: 'participant' })),
      ]),
    );
  }

  async reject(place: Place, { add, remove }: RejectListRequest): Promise<ResponsePrimitive> {
    const changed = await this.#change(place, [
      ...add.map((user): Change => ({ user, affiliation: 'outcast' })),
      ...remove.map((user): Change => ({ user, affiliation: 'none' })),
    ]);
    if (!isSuccess(changed)) return status(changed);
    const users = await this.#listed(place, { affiliation: 'outcast' });
    if ('code' in users) return status(users);
    return { primitive: 'RejectListResponse', result: changed, users } satisfies RejectListResponse;
  }

  /** Ends the room (XEP-0045 section 10.9). */
  async destroy({ userJid, roomJid }: Place): Promise<Status> {
    const query = xml(NS.mucOwner, 'query', {}, xml(NS.mucOwner, 'destroy'));
    const answer = await this.#iq.ask(puppetJid(userJid), roomJid, 'set', query);
    return status('error' in answer ? statusOfError(answer.error, ADMINISTERING) : OK);
  }

  async #listed(
    { userJid, roomJid }: Place,
    attribute: Readonly<Record<string, string>>,
  ): Promise<readonly UserAddress[] | Result> {
    const query = xml(NS.mucAdmin, 'query', {}, xml(NS.mucAdmin, 'item', attribute));
    const answer = await this.#iq.ask(puppetJid(userJid), roomJid, 'get', query);
    if ('error' in answer) return statusOfError(answer.error, ADMINISTERING);
    const items = elementsOf(inside(answer.payload, 'query', NS.mucAdmin)).slice(0, MAX_LISTED);
    return items.flatMap(({ attrs }) => {
      const jid = parseJid(attrs['jid'] ?? '');
      const user = jid === undefined ? undefined : addressOf(this.#bridge, jid);
      return user === undefined ? [] : [user];
    });
  }

  /** COMPAT(Prosody): reads one item of a request. */
  async #change(place: Place, changes: readonly Change[]): Promise<Result> {
    const failures: DetailedResult[] = [];
    for (let start = 0; start < changes.length; start += MAX_AT_ONCE) {
      const some = changes.slice(start, start + MAX_AT_ONCE);
      const outcomes = await Promise.all(some.map((change) => this.#changeOne(place, change)));
      for (const [index, { code }] of outcomes.entries()) {
        const user = some[index]?.user;
        if (code !== 200 && user !== undefined) failures.push({ code, users: [user] });
      }
    }
    return combine(changes.length - failures.length, failures);
  }

  async #changeOne(place: Place, { user, affiliation, role }: Change): Promise<Result> {
    const jid = jidOf(this.#bridge, user);
    if (isUnmappable(jid)) return { code: jid.unmappable, description: jid.reason };
    const outcome = await this.#set(place, { affiliation, jid });
    if (!isSuccess(outcome) || role === undefined) return outcome;
    const occupants = this.#guests.find(place.userJid, place.roomJid)?.room.occupants ?? [];
    const nicks = [...occupants].flatMap((occupant) =>
      occupant.jid !== undefined && bareJid(occupant.jid) === jid ? [occupant.nick] : [],
    );
    for (const nick of nicks) {
      const changed = await this.#set(place, { nick, role });
      if (!isSuccess(changed)) return changed;
    }
    return OK;
  }

  async #set({ userJid, roomJid }: Place, item: Readonly<Record<string, string>>): Promise<Result> {
    const query = xml(NS.mucAdmin, 'query', {}, xml(NS.mucAdmin, 'item', item));
    const answer = await this.#iq.ask(puppetJid(userJid), roomJid, 'set', query);
    return 'error' in answer ? statusOfError(answer.error, ADMINISTERING) : OK;
  }
}
