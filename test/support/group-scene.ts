// A group and what its users ask of it, for tests of the group service without any access door.

import { isAddressError, parseGroup, serviceAddress, userAddress } from '../../src/wv/address.ts';
import {
  trusted,
  type ClientId,
  type Domain,
  type GroupAddress,
  type UserAddress,
} from '../../src/wv/ids.ts';
import type { GroupPrimitive, GroupProperty, ResponsePrimitive } from '../../src/wv/primitives.ts';
import type { Result } from '../../src/wv/status.ts';
import { FAR, HOME, homeScene, type NotingClient } from './home-scene.ts';

export const PHONE = trusted<ClientId>('test');

export const ann = userAddress('ann', HOME);
export const bea = userAddress('bea', HOME);
export const cy = userAddress('cy', HOME);
export const dan = userAddress('dan', HOME);
export const far = userAddress('fay', FAR);

export function groupAddress(text: string, domain: Domain = HOME): GroupAddress {
  const address = parseGroup(text, domain);
  if (isAddressError(address)) throw new Error(`${text}: ${address.reason}`);
  return address;
}

export const ROCKET = groupAddress('ann/rocket');

/** `Name=Value` pairs. */
export function properties(...pairs: readonly string[]): readonly GroupProperty[] {
  return pairs.map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return { name, value };
  });
}

/** What a request of a user says beside its name, group and MetaInfo. */
type Body<Name extends GroupPrimitive['primitive']> = Omit<
  Extract<GroupPrimitive, { primitive: Name }>,
  'primitive' | 'meta' | 'group'
> & { readonly group?: GroupAddress };

type Asked = { readonly user: UserAddress; readonly clientId?: ClientId } | UserAddress;

export async function groupScene(names: readonly string[] = ['ann', 'bea', 'cy', 'dan']) {
  const scene = await homeScene(names);

  /** Asks through the relay, as an access door or a peer does. */
  async function ask<Name extends GroupPrimitive['primitive']>(
    asked: Asked,
    primitive: Name,
    body: Body<Name>,
  ): Promise<ResponsePrimitive> {
    const { user, clientId = PHONE } = typeof asked === 'string' ? { user: asked } : asked;
    const meta = { service: serviceAddress(HOME), user, clientId };
    const request = { primitive, meta, group: ROCKET, ...body } as unknown as GroupPrimitive;
    return scene.relay.request(request);
  }

  const join = (asked: Asked, body: Partial<Body<'JoinGroupRequest'>> = {}): Promise<ResponsePrimitive> =>
    ask(asked, 'JoinGroupRequest', { wantsJoinedList: false, subscribe: true, ...body });

  /** Ann's group; she is Admin and not joined unless she wants to be. */
  async function create(
    pairs: readonly string[] = [],
    more: { group?: GroupAddress; join?: boolean; screenName?: string; welcomeNote?: string } = {},
  ): Promise<Result> {
    const draft = { group: ROCKET, join: false, subscribe: true, properties: properties(...pairs), ...more };
    return scene.groups.create(await scene.at('ann'), PHONE, draft);
  }

  /** A client that hears what is new from now on. */
  const online = async (name: string): Promise<NotingClient> => {
    await scene.groups.settled();
    return scene.online(name);
  };

  return { ...scene, online, ask, join, create };
}

export type GroupScene = Awaited<ReturnType<typeof groupScene>>;
