// Service discovery and negotiation (csp-transactions 1.6): the service tree as data, and what of it is here.

import { child, node, type Element } from '../wv/element.ts';
import type { CspVersion } from '../wv/version.ts';

/** Feature → function group → functions. The short mandatory-set names (MF, MP, MM, MG) ask for the whole feature. */
export const SERVICE_TREE = {
  FundamentalFeat: {
    ServiceFunc: ['GETSPI', 'GETMAP', 'SGMNT'],
    SearchFunc: ['SRCH', 'STSRC', 'ADVSR'],
    InviteFunc: ['INVIT', 'CAINV'],
    VerifyIDFunc: ['VRID'],
  },
  PresenceFeat: {
    ContListFunc: ['GCLI', 'CCLI', 'DCLI', 'MCLS'],
    PresenceAuthFunc: ['GETWL', 'REACT', 'CAAUT', 'GETAUT'],
    PresenceDeliverFunc: ['GETPR', 'UPDPR'],
    AttListFunc: ['CALI', 'DALI', 'GALS'],
  },
  IMFeat: {
    IMSendFunc: ['MDELIV', 'FWMSG'],
    IMReceiveFunc: ['SETD', 'GETLM', 'GETM', 'REJCM', 'NOTIF', 'NEWM', 'OFFNOTIF'],
    IMAuthFunc: ['GLBLU', 'BLENT'],
  },
  GroupFeat: {
    GroupMgmtFunc: ['CREAG', 'DELGR', 'GETGP', 'SETGP'],
    GroupUseFunc: ['SUBGCN', 'GRCHN', 'GETJU', 'EXCON'],
    GroupAuthFunc: ['GETGM', 'ADDGM', 'RMVGM', 'MBRAC', 'REJEC'],
  },
} as const;

type Tree = typeof SERVICE_TREE;
export type ServiceFunction = {
  [F in keyof Tree]: Tree[F] extends Readonly<Record<string, readonly (infer L)[]>> ? L : never;
}[keyof Tree];

/** Functions this server serves. The negotiation, and the 405 of everything else, follow from this one list. */
export const AVAILABLE: ReadonlySet<ServiceFunction> = new Set<ServiceFunction>([
  'GETSPI',
  'SRCH',
  'STSRC',
  'INVIT',
  'CAINV',
  'VRID',
  'GCLI',
  'CCLI',
  'DCLI',
  'MCLS',
  'GETWL',
  'REACT',
  'CAAUT',
  'GETAUT',
  'GETPR',
  'UPDPR',
  'CALI',
  'DALI',
  'GALS',
  'MDELIV',
  'FWMSG',
  'SETD',
  'GETLM',
  'GETM',
  'REJCM',
  'NOTIF',
  'NEWM',
  'GLBLU',
  'BLENT',
  'CREAG',
  'DELGR',
  'GETGP',
  'SETGP',
  'SUBGCN',
  'GRCHN',
  'GETJU',
  'EXCON',
  'GETGM',
  'ADDGM',
  'RMVGM',
  'MBRAC',
  'REJEC',
]);

/** Functions that a version's syntax has no element for. */
const SINCE: Partial<Record<ServiceFunction, readonly CspVersion[]>> = {
  VRID: ['1.2', '1.3'],
  GETAUT: ['1.2'],
  GETJU: ['1.2', '1.3'],
  GETMAP: ['1.3'],
  SGMNT: ['1.3'],
  ADVSR: ['1.3'],
  OFFNOTIF: ['1.3'],
  EXCON: ['1.3'],
  REACT: ['1.1', '1.2'],
  CAAUT: ['1.1', '1.2'],
  CALI: ['1.1', '1.2'],
  DALI: ['1.1', '1.2'],
  GALS: ['1.1', '1.2'],
};

const MANDATORY_SETS: Readonly<Record<string, string>> = {
  FundamentalFeat: 'MF',
  PresenceFeat: 'MP',
  IMFeat: 'MM',
  GroupFeat: 'MG',
};

type Groups = Readonly<Record<string, readonly ServiceFunction[]>>;

function functionsOf(version: CspVersion, functions: readonly ServiceFunction[]): readonly ServiceFunction[] {
  return functions.filter((name) => SINCE[name]?.includes(version) ?? true);
}

function eachGroup(): readonly (readonly [
  feature: string,
  group: string,
  functions: readonly ServiceFunction[],
])[] {
  return Object.entries(SERVICE_TREE as Readonly<Record<string, Groups>>).flatMap(([feature, groups]) =>
    Object.entries(groups).map(([group, functions]) => [feature, group, functions] as const),
  );
}

/** The functions that a request names: an empty feature or group stands for all of it. */
export function requestedFunctions(
  features: Element | undefined,
  version: CspVersion,
): ReadonlySet<ServiceFunction> {
  const requested = new Set<ServiceFunction>();
  for (const [feature, group, functions] of eachGroup()) {
    const featureElement = child(features, feature);
    const everything = features === undefined || features.children.length === 0;
    if (!everything && featureElement === undefined) continue;
    const wholeFeature =
      everything ||
      featureElement?.children.length === 0 ||
      child(featureElement, MANDATORY_SETS[feature] ?? '') !== undefined;
    const groupElement = child(featureElement, group);
    if (!wholeFeature && groupElement === undefined) continue;
    const wholeGroup = wholeFeature || groupElement?.children.length === 0;
    for (const name of functionsOf(version, functions)) {
      if (wholeGroup || child(groupElement, name) !== undefined) requested.add(name);
    }
  }
  return requested;
}

/**
 * A WVCSPFeat tree of some functions. A whole group is its empty element, a whole feature likewise
 * (csp-transactions 1.6: "an empty function group = the whole group").
 */
export function featureTree(functions: ReadonlySet<ServiceFunction>, version: CspVersion): Element {
  const features = new Map<string, Element[]>();
  const complete = new Map<string, boolean>();
  for (const [feature, group, all] of eachGroup()) {
    const existing = functionsOf(version, all);
    if (existing.length === 0) continue;
    const named = existing.filter((name) => functions.has(name));
    const whole = named.length === existing.length;
    complete.set(feature, (complete.get(feature) ?? true) && whole);
    if (named.length === 0) continue;
    const element = node(group, whole ? [] : named.map((name) => node(name)));
    features.set(feature, [...(features.get(feature) ?? []), element]);
  }
  return node(
    'WVCSPFeat',
    [...features].map(([feature, groups]) => node(feature, complete.get(feature) === true ? [] : groups)),
  );
}

/** Requested functions that are not to be had: what Service-Response/Functions lists. */
export function unavailable(
  requested: ReadonlySet<ServiceFunction>,
  available: ReadonlySet<ServiceFunction>,
): ReadonlySet<ServiceFunction> {
  return new Set([...requested].filter((name) => !available.has(name)));
}

/**
 * What a client may use after negotiation: what it asked for and is here, and what its version has primitives for
 * but no word in the tree (1.3 lost the attribute lists and reactive authorization there).
 */
export function agreedFunctions(
  requested: ReadonlySet<ServiceFunction>,
  available: ReadonlySet<ServiceFunction>,
  version: CspVersion,
): ReadonlySet<ServiceFunction> {
  const agreed = [...available].filter(
    (name) => requested.has(name) || !(SINCE[name]?.includes(version) ?? true),
  );
  return new Set(agreed);
}
