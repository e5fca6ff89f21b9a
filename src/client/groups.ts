// Groups of a client (csp-transactions section 8). Messages go there like all others: `sendMessage({ to: { group } })`,
// with a screenName beside the group for one participant.

import type { Body } from '../access/csp/codec/binding.ts';
import type { Outcome } from './errors.ts';
import type { Exchange } from './exchange.ts';
import {
  mapped,
  noteText,
  participantsIn,
  propertyBody,
  propertyRecord,
  type GroupProperties,
  type Participant,
} from './group-bodies.ts';

export interface JoinOptions {
  /** Absent = the server finds one. */
  readonly screenName?: string;
  /** Hear who comes and goes. Default true. */
  readonly subscribe?: boolean;
}

export interface CreateOptions extends JoinOptions {
  readonly properties?: Readonly<Record<string, string>>;
  readonly welcomeNote?: string;
  /** Be in it at once. Default true. */
  readonly join?: boolean;
}

export interface Joined {
  readonly participants: readonly Participant[];
  readonly welcomeNote?: string;
}

export interface Members {
  readonly admins: readonly string[];
  readonly moderators: readonly string[];
  readonly users: readonly string[];
}

/** The groups of one client; methods fail as those of WvClient do. */
export class ClientGroups {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** `group`: `wv:user/name@domain`, the user being oneself. */
  create(group: string, options: CreateOptions = {}): Promise<Outcome> {
    const note = options.welcomeNote;
    const WelcomeNote =
      note === undefined ? {} : { WelcomeNote: { ContentType: 'text/plain', ContentData: note } };
    return this.#exchange.tell(
      'CreateGroup-Request',
      {
        GroupID: group,
        GroupProperties: { ...propertyBody(options.properties ?? {}), ...WelcomeNote },
        JoinGroup: options.join ?? true,
        ScreenName: screenNameBody(group, options.screenName),
        SubscribeNotification: options.subscribe ?? true,
      },
      // The second of two that arrive would say 801 although the group was made.
      { repeatable: false },
    );
  }

  delete(group: string): Promise<Outcome> {
    return this.#exchange.tell('DeleteGroup-Request', { GroupID: group }, { repeatable: false });
  }

  /** Joins; joining again changes the screen name. */
  async join(group: string, options: JoinOptions = {}): Promise<Joined> {
    const body = await this.#exchange.get(
      'JoinGroup-Request',
      {
        GroupID: group,
        ScreenName: screenNameBody(group, options.screenName),
        JoinedRequest: true,
        SubscribeNotification: options.subscribe ?? true,
      },
      'JoinGroup-Response',
    );
    return { participants: participantsIn(body.Joined ?? body), ...noteText(body.WelcomeNote) };
  }

  leave(group: string): Promise<Outcome> {
    return this.#exchange.tell('LeaveGroup-Request', { GroupID: group }, { repeatable: false });
  }

  /** Who is in it now. Not in 1.1. */
  async participants(group: string): Promise<readonly Participant[]> {
    const body = await this.#exchange.get(
      'GetJoinedUsers-Request',
      { GroupID: group },
      'GetJoinedUsers-Response',
    );
    const { AdminMapping, ModMapping, UserMapping } = body.AdminMapList ?? {};
    const levels = [AdminMapping, ModMapping, UserMapping].flatMap((level) => mapped(level?.Mapping));
    return [...levels, ...participantsIn(body)];
  }

  async members(group: string): Promise<Members> {
    const body = await this.#exchange.get(
      'GetGroupMembers-Request',
      { GroupID: group },
      'GetGroupMembers-Response',
    );
    return {
      admins: usersIn(body.Admin),
      moderators: usersIn(body.Mod),
      users: [...usersIn(body.Users), ...usersIn(body)],
    };
  }

  addMembers(group: string, ...users: string[]): Promise<Outcome> {
    return this.#exchange.tell('AddGroupMembers-Request', { GroupID: group, ...this.#list(users) });
  }

  removeMembers(group: string, ...users: string[]): Promise<Outcome> {
    return this.#exchange.tell('RemoveGroupMembers-Request', { GroupID: group, ...this.#list(users) });
  }

  /** Changes the level of members. */
  setAccess(group: string, access: Partial<Members>): Promise<Outcome> {
    const { admins, moderators, users } = access;
    const ordinary = users === undefined ? {} : this.#list(users);
    return this.#exchange.tell('MemberAccess-Request', {
      GroupID: group,
      Admin: admins && this.#list(admins),
      Mod: moderators && this.#list(moderators),
      // 1.3 has no UserIDList in Users.
      ...(this.#exchange.settings.version === '1.3'
        ? ordinary
        : { Users: users === undefined ? undefined : ordinary }),
    });
  }

  async properties(group: string): Promise<GroupProperties> {
    const { GroupProperties, OwnProperties } = await this.#exchange.get(
      'GetGroupProps-Request',
      { GroupID: group },
      'GetGroupProps-Response',
    );
    return {
      properties: propertyRecord(GroupProperties),
      own: propertyRecord(OwnProperties),
      ...noteText(GroupProperties?.WelcomeNote),
    };
  }

  setProperties(
    group: string,
    change: Partial<Pick<GroupProperties, 'properties' | 'own'>>,
  ): Promise<Outcome> {
    return this.#exchange.tell('SetGroupProps-Request', {
      GroupID: group,
      GroupProperties: change.properties && propertyBody(change.properties),
      OwnProperties: change.own && propertyBody(change.own),
    });
  }

  /** Who is kept out, after perhaps a change. */
  async rejected(
    group: string,
    change: { readonly add?: readonly string[]; readonly remove?: readonly string[] } = {},
  ): Promise<readonly string[]> {
    const body = await this.#exchange.get(
      'RejectList-Request',
      {
        GroupID: group,
        AddList: change.add && { UserID: change.add },
        RemoveList: change.remove && { UserID: change.remove },
      },
      'RejectList-Response',
    );
    return usersIn(body);
  }

  #list(users: readonly string[]): Pick<Body<'AddGroupMembers-Request'>, 'UserList' | 'UserIDList'> {
    return this.#exchange.settings.version === '1.3'
      ? { UserIDList: { UserID: users } }
      : { UserList: { User: users.map((UserID) => ({ UserID })) } };
  }
}

function screenNameBody(group: string, name: string | undefined): Body<'ScreenName'> | undefined {
  return name === undefined ? undefined : { SName: name, GroupID: group };
}

function usersIn(
  list:
    | {
        readonly UserList?: Body<'UserList'> | undefined;
        readonly UserIDList?: Body<'UserIDList'> | undefined;
      }
    | undefined,
): readonly string[] {
  return [...(list?.UserList?.User ?? []).map(({ UserID }) => UserID), ...(list?.UserIDList?.UserID ?? [])];
}
