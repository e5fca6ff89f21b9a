// The group service, the group's home side (csp-transactions section 8): everything that is asked of groups of this
// server, by local users and by others alike.

import type { Clock, Log } from '../../ops/ports.ts';
import type { GroupProfile, Privilege, Store } from '../../store/store.ts';
import { domainOf } from '../../wv/address.ts';
import type { ClientId, GroupAddress, ServiceAddress, UserAddress } from '../../wv/ids.ts';
import {
  status,
  type GetGroupPropsResponse,
  type GroupPrimitive,
  type GroupProperty,
  type ResponsePrimitive,
  type SendMessageRequest,
  type SendMessageResponse,
  type SetGroupPropsRequest,
  type Status,
} from '../../wv/primitives.ts';
import type { ScreenName } from '../../wv/message.ts';
import { OK, result, type Result } from '../../wv/status.ts';
import type { Home, Homes } from '../home.ts';
import type { Outgoing } from '../outgoing.ts';
import { changeGroup, dissolve, takeOut } from './changing.ts';
import type { GroupContext, GroupLimits } from './context.ts';
import { create, createForProvider, type GroupDraft, type ProviderDraft } from './creating.ts';
import { GroupHomes, type GroupHome } from './group-home.ts';
import { history, receive, type GroupHistory } from './group-messages.ts';
import { hasRoomFor, join, keptPerson, leave, subscribe, subscription } from './joining.ts';
import { addMembers, members, reject, removeMembers, setPrivileges } from './membership.ts';
import { GroupNotices } from './notices.ts';
import { profileRefusal, refusal, type Asker } from './privileges.ts';
import { changedProfile, changedSettings, groupProperties, ownProperties } from './properties.ts';

/** A group that a client joined because of AutoJoin. */
export interface AutoJoined {
  readonly group: GroupAddress;
  readonly screenName: string;
  readonly welcomeNote?: string;
}

/** Joined clients looked at together when the server starts. */
const RECONCILE_BATCH = 500;

export class Groups {
  private readonly context: GroupContext;

  constructor(deps: {
    store: Store;
    homes: Homes;
    outgoing: Outgoing;
    clock: Clock;
    log: Log;
    service: ServiceAddress;
    /** Where large attachments wait; absent = in the queues, like everything else. */
    attachments?: GroupContext['attachments'];
    limits: GroupLimits;
  }) {
    const { store, homes, outgoing, clock, log, service, attachments, limits } = deps;
    const groups = new GroupHomes(store, limits.cached);
    const notices = new GroupNotices({ outgoing, log, service });
    this.context = { store, homes, groups, notices, outgoing, clock, log, service, attachments, limits };
  }

  /** Groups in memory, for metrics. */
  get inMemory(): number {
    return this.context.groups.size;
  }

  /** CreateGroup of a local user, who becomes Admin. 516, 806, 822, 402, 801, 814, 815. */
  create(home: Home, clientId: ClientId, draft: GroupDraft): Promise<Result> {
    return create(this.context, home.address, clientId, draft);
  }

  /** Who joined under a screen name; undefined = no such group here, or nobody of that name. */
  async ownerOf({ group, name }: ScreenName): Promise<UserAddress | undefined> {
    const home = await this.context.groups.get(group);
    return home?.bearerOf(name)?.user;
  }

  /** The privilege of a member; undefined = no such group here, or no member of it. */
  async privilegeOf(group: GroupAddress, user: UserAddress): Promise<Privilege | undefined> {
    const home = await this.context.groups.get(group);
    return home?.person(user)?.privilege;
  }

  /** Answers a request of MetaInfo's user and client. A refusal is a bare Status. */
  async serve(request: GroupPrimitive): Promise<ResponsePrimitive> {
    const { user, clientId } = request.meta;
    if (user === undefined) return status(result(403, 'Only users use groups'));
    const home = await this.context.groups.get(request.group);
    if (home === undefined) return status(result(800));
    const asker: Asker = { user, clientId };
    const refused = refusal(home, asker, request.primitive);
    if (refused !== undefined) return status(refused);
    return this.context.groups.held(home, () => this.granted(home, asker, request));
  }

  private granted(
    home: GroupHome,
    asker: Asker,
    request: GroupPrimitive,
  ): Promise<ResponsePrimitive> | ResponsePrimitive {
    const { context } = this;
    switch (request.primitive) {
      case 'JoinGroupRequest':
        return join(context, home, asker, request);
      case 'LeaveGroupRequest':
        return leave(context, home, asker);
      case 'DeleteGroupRequest':
        return this.deleted(home);
      case 'GetGroupMemberRequest':
        return members(home);
      case 'GetJoinedUsersRequest':
        return { primitive: 'GetJoinedUsersResponse', result: OK, joined: home.mappings(asker.user) };
      case 'AddGroupMemberRequest':
        return addMembers(context, home, request.users);
      case 'RemoveGroupMemberRequest':
        return removeMembers(context, home, asker, request.users);
      case 'MemberAccessRequest':
        return setPrivileges(context, home, request);
      case 'GetGroupPropsRequest':
        return propertiesFor(home, asker.user);
      case 'SetGroupPropsRequest':
        return this.setProperties(home, asker.user, request);
      case 'RejectListRequest':
        return reject(context, home, asker, request);
      case 'SubscribeGroupChangeRequest':
        return subscribe(context, home, asker, true);
      case 'UnsubscribeGroupChangeRequest':
        return subscribe(context, home, asker, false);
      case 'GetGroupSubStatusRequest':
        return subscription(home, asker);
    }
  }

  private async deleted(home: GroupHome): Promise<Status> {
    return status((await dissolve(this.context, home)) ? OK : result(800));
  }

  /** All of it or nothing: 804 and 816 without the right, 806 and 822 for what cannot be. */
  private async setProperties(
    home: GroupHome,
    user: UserAddress,
    request: SetGroupPropsRequest,
  ): Promise<Status> {
    const { properties = [], welcomeNote, ownProperties: own = [] } = request;
    const ofGroup = request.properties !== undefined || welcomeNote !== undefined;
    const refused = ofGroup ? profileRefusal(home, user) : undefined;
    if (refused !== undefined) return status(refused);
    const wanted = { properties, ...(welcomeNote === undefined ? {} : { welcomeNote }) };
    const profile = changedProfile(home.profile, wanted, home.facts, this.context.clock.now());
    if ('code' in profile) return status(profile);
    const settings = changedSettings(home.settingsOf(user), own, home.ownFacts(user));
    if ('code' in settings) return status(settings);
    if (!hasRoomFor(this.context, home, user, settings)) return status(result(817));
    const news = differences(home, profile);
    const change = { ...(ofGroup ? { profile } : {}), people: keptPerson(home, user, settings) };
    const telling = { except: user, ...(news.length === 0 ? {} : { properties: news }) };
    return status((await changeGroup(this.context, home, change, telling)) ? OK : result(800));
  }

  /** A message for groups of this server, or for screen names in them. Resolves when all copies are on disk. */
  receive(request: SendMessageRequest): Promise<SendMessageResponse> {
    return receive(this.context, request);
  }

  /** The newest messages of a group with History, oldest first. */
  history(user: UserAddress, group: GroupAddress, count: number): Promise<GroupHistory> {
    return history(this.context, user, group, count);
  }

  /**
   * Joins a client to the groups its user wants to be in, at most `room`; the client itself is told by a
   * GroupChangeNotice, too. A group that cannot be joined does not stand in the way of the others.
   */
  async autoJoin(user: UserAddress, clientId: ClientId, room: number): Promise<readonly AutoJoined[]> {
    const { store, log } = this.context;
    const joined: AutoJoined[] = [];
    for (const group of await store.autoJoinGroups(user)) {
      if (joined.length >= room) {
        log.info({ user, room }, 'more groups with AutoJoin than one session may join');
        break;
      }
      try {
        joined.push(...(await this.joinByItself(group, user, clientId)));
      } catch (error) {
        log.error({ err: error, group, user }, 'group could not be joined by itself');
      }
    }
    return joined;
  }

  private async joinByItself(
    group: GroupAddress,
    user: UserAddress,
    clientId: ClientId,
  ): Promise<readonly AutoJoined[]> {
    const home = await this.context.groups.get(group);
    if (home === undefined) return [];
    const wish = { wantsJoinedList: false, subscribe: true };
    const answer = await join(this.context, home, { user, clientId }, wish, true);
    if (answer.primitive !== 'JoinGroupResponse') {
      this.context.log.info({ group, user, code: answer.result.code }, 'no automatic join');
      return [];
    }
    const { screenName = '', welcomeNote } = answer;
    return [{ group, screenName, ...(welcomeNote === undefined ? {} : { welcomeNote }) }];
  }

  /** A local user is no more: his groups end, and he leaves those of others, also their reject lists. */
  async removeUser(user: UserAddress): Promise<void> {
    const { store, groups } = this.context;
    for (const group of await store.groupsWith(user)) {
      const home = await groups.get(group);
      if (home === undefined) continue;
      if (home.owner === user) await dissolve(this.context, home);
      else
        await takeOut(this.context, home, home.joinedAs(user), { removedPeople: [user], pardoned: [user] });
    }
  }

  /** At start: local clients that did not survive the restart leave their groups. Returns how many left. */
  async reconcile(isLive: (user: UserAddress, clientId: ClientId) => boolean): Promise<number> {
    const { store, homes } = this.context;
    let left = 0;
    let after: Parameters<Store['joinedClients']>[1];
    for (;;) {
      const clients = await store.joinedClients(homes.domain, after, RECONCILE_BATCH);
      for (const client of clients) {
        after = client;
        if (isLive(client.user, client.clientId)) continue;
        await this.leaveAll(client.user, client.clientId);
        left++;
      }
      if (clients.length < RECONCILE_BATCH) return left;
    }
  }

  private async leaveAll(user: UserAddress, clientId: ClientId): Promise<void> {
    for (const group of await this.context.store.groupsJoinedBy({ user, clientId })) {
      const home = await this.context.groups.get(group);
      if (home !== undefined) await takeOut(this.context, home, home.joinedAs(user, clientId));
    }
  }

  /** Deletes groups whose Validity is over, or that the operator gave up. Returns how many. */
  async expire(limit: number): Promise<number> {
    const { store, groups, clock } = this.context;
    const expired = await store.expiredGroups(clock.now(), limit);
    for (const group of expired) {
      const home = await groups.get(group);
      if (home !== undefined) await dissolve(this.context, home);
    }
    return expired.length;
  }

  /** A group of the operator. 806, 822, 801, 815. */
  createForProvider(draft: ProviderDraft): Promise<Result> {
    return createForProvider(this.context, draft);
  }

  /** Ends any group of this server, for the operator. 800. */
  async deleteForProvider(group: GroupAddress): Promise<Result> {
    const home = domainOf(group) === this.context.homes.domain && (await this.context.groups.get(group));
    if (home === false || home === undefined) return result(800);
    return (await this.deleted(home)).result;
  }

  /** Resolves when everybody was told what there is to tell. */
  settled(): Promise<void> {
    return this.context.notices.settled();
  }
}

/** The properties that another profile would change, with their new values; '' for one that is taken away. */
function differences(home: GroupHome, profile: GroupProfile): readonly GroupProperty[] {
  const before = new Map(groupProperties(home.profile, home.facts).map(({ name, value }) => [name, value]));
  const after = groupProperties(profile, home.facts);
  const changed = after.filter(({ name, value }) => before.get(name) !== value);
  for (const { name } of after) before.delete(name);
  return [...changed, ...[...before.keys()].map((name) => ({ name, value: '' }))];
}

function propertiesFor(home: GroupHome, user: UserAddress): GetGroupPropsResponse {
  const { welcomeNote } = home.profile;
  return {
    primitive: 'GetGroupPropsResponse',
    result: OK,
    properties: groupProperties(home.profile, home.facts),
    ownProperties: ownProperties(home.settingsOf(user), home.ownFacts(user)),
    ...(welcomeNote === undefined ? {} : { welcomeNote }),
  };
}
