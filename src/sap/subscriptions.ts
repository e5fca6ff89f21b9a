// Services subscribed: which functions and primitives of CSP belong to a service that a profile may leave out
// (csp-transactions 1.6). What belongs to none is everybody's: session, negotiation, block lists, public profiles.

import type { UserRecord } from '../store/store.ts';
import type { ServiceName } from '../wv/profile.ts';
import { SERVICE_TREE, type ServiceFunction } from './discovery.ts';

type FunctionGroup = readonly ServiceFunction[];

/** By service, its function groups. Content has none: its URLs travel in invitations, its transfer is HTTP. */
const GROUPS: Readonly<Record<ServiceName, readonly FunctionGroup[]>> = {
  presence: Object.values(SERVICE_TREE.PresenceFeat),
  im: [SERVICE_TREE.IMFeat.IMSendFunc, SERVICE_TREE.IMFeat.IMReceiveFunc],
  group: Object.values(SERVICE_TREE.GroupFeat),
  content: [],
  invite: [SERVICE_TREE.FundamentalFeat.InviteFunc],
  search: [SERVICE_TREE.FundamentalFeat.SearchFunc],
};

/** Primitives that have no function because they are mandatory with their feature. */
const MANDATORY: Readonly<Record<string, ServiceName>> = {
  'SubscribePresence-Request': 'presence',
  'UnsubscribePresence-Request': 'presence',
  'SendMessage-Request': 'im',
  'JoinGroup-Request': 'group',
  'LeaveGroup-Request': 'group',
  'InviteUser-Response': 'invite',
};

const SERVICE_OF: ReadonlyMap<ServiceFunction, ServiceName> = new Map(
  Object.entries(GROUPS).flatMap(([service, groups]) =>
    groups.flat().map((name) => [name, service as ServiceName] as const),
  ),
);

/** True when the user's profile includes the service; one that says nothing includes all. */
export function subscribes({ services }: Pick<UserRecord, 'services'>, service: ServiceName): boolean {
  return services === undefined || services.includes(service);
}

/** The service that a user would need for a request and has not subscribed (506); undefined = go ahead. */
export function missingService(
  user: Pick<UserRecord, 'services'>,
  primitive: string,
  needs: ServiceFunction | undefined,
): ServiceName | undefined {
  if (user.services === undefined) return undefined;
  const named = needs === undefined ? undefined : SERVICE_OF.get(needs);
  const service = named ?? (Object.hasOwn(MANDATORY, primitive) ? MANDATORY[primitive] : undefined);
  return service === undefined || subscribes(user, service) ? undefined : service;
}

/** Those of the functions that the user's services include. */
export function subscribedFunctions(
  user: Pick<UserRecord, 'services'>,
  functions: ReadonlySet<ServiceFunction>,
): ReadonlySet<ServiceFunction> {
  if (user.services === undefined) return functions;
  return new Set([...functions].filter((name) => missingService(user, '', name) === undefined));
}
