// Client capability negotiation (csp-transactions 1.7).

import type { Element } from '../../../wv/element.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { DEFAULT_UDP_PORT, UNNEGOTIATED, type Capabilities, type CirMethod } from '../capabilities.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { callToken } from '../cir/http-calls.ts';
import { autoJoin } from '../group-participation.ts';
import type { ClientQuirks } from '../quirks.ts';
import type { CspSession } from '../session.ts';
import type { CspServices, CspSettings, SessionExchange } from '../transaction.ts';

type Wishes = Body<'CapabilityList'>;

/** Phones stop growing their buffers somewhere; a client that names less than this cannot be served at all. */
const SMALLEST_PARSER = 512;
const MAX_CLIENT_TYPE = 30;

/**
 * Whether a call method can be used, by method, best first (csp-transport section 2). 1.1 has no element for the
 * address of SHTTP.
 */
const USABLE: readonly (readonly [CirMethod, (settings: CspSettings, version: CspVersion) => boolean])[] = [
  ['STCP', ({ stcp }) => stcp !== undefined],
  ['SUDP', ({ sudp }) => sudp],
  ['WAPUDP', ({ wapUdp }) => wapUdp],
  ['SHTTP', ({ shttp }, version) => shttp !== undefined && version !== '1.1'],
];

/** Out of those the client offers. */
function usableCir(wishes: Wishes, settings: CspSettings, version: CspVersion): readonly CirMethod[] {
  const offered = new Set((wishes.SupportedCIRMethod ?? []).map((method) => method.toUpperCase()));
  return USABLE.filter(([method, isUsable]) => offered.has(method) && isUsable(settings, version)).map(
    ([method]) => method,
  );
}

/** COMPAT(Movistar): a limit of 0 names none. Taken at its word, nothing could be pushed to a client that asks for push. */
function named(limit: number | undefined): number | undefined {
  return limit === 0 ? undefined : limit;
}

/** More types than any client names; the rest is not kept. */
const MAX_TYPES = 64;
const MAX_TYPE_LENGTH = 100;

/** AnyContent goes before a list. COMPAT(phones): several types in one element, with commas. Text is always taken. */
function acceptedTypes({
  AnyContent,
  AcceptedContentType = [],
}: Wishes): Pick<Capabilities, 'acceptedTypes'> {
  if (AnyContent === true) return {};
  const texts = AcceptedContentType.map((type) =>
    typeof type === 'string' ? type : (type.ContentType ?? ''),
  );
  const types = texts
    .flatMap((text) => text.split(','))
    .map((type) => type.trim().toLowerCase())
    .filter((type) => type !== '' && type.length <= MAX_TYPE_LENGTH)
    .slice(0, MAX_TYPES);
  return types.length === 0 ? {} : { acceptedTypes: types };
}

function capabilitiesOf(
  wishes: Wishes,
  settings: CspSettings,
  { version, quirks }: { readonly version: CspVersion; readonly quirks: ClientQuirks },
): Capabilities {
  return {
    deliveryMethod: wishes.InitialDeliveryMethod?.toUpperCase() === 'N' ? 'N' : 'P',
    acceptedContentLength:
      named(wishes.AcceptedContentLength ?? wishes.AcceptedPushLength) ?? UNNEGOTIATED.acceptedContentLength,
    fetches: quirks.fetches,
    acceptedPullLength: named(wishes.AcceptedPullLength) ?? UNNEGOTIATED.acceptedPullLength,
    ...acceptedTypes(wishes),
    parserSize: Math.max(SMALLEST_PARSER, named(wishes.ParserSize) ?? UNNEGOTIATED.parserSize),
    multiTrans: Math.min(Math.max(1, wishes.MultiTrans ?? 1), quirks.maxMultiTrans),
    cir: usableCir(wishes, settings, version),
    udpPort: wishes.UDPPort ?? DEFAULT_UDP_PORT,
  };
}

const BEARERS = new Set(['HTTP', 'WSP', 'HTTPS']);

/** What is agreed: values as wished where we can, our own where not. */
function agreed(wishes: Wishes, session: CspSession, settings: CspSettings) {
  const { cir } = session.capabilities;
  const stcp = cir.includes('STCP') ? settings.stcp : undefined;
  const bearers = (wishes.SupportedBearer ?? []).filter((bearer) => BEARERS.has(bearer.toUpperCase()));
  return {
    SupportedBearer: bearers.length > 0 ? bearers : ['HTTP'],
    SupportedCIRMethod: cir,
    TCPAddress: stcp?.address,
    TCPPort: stcp?.port,
    ServerPollMin: Math.max(wishes.ServerPollMin ?? settings.pollMin, settings.pollMin),
  };
}

/** Where the client asks whether something waits: an element of its own in each version that has SHTTP. */
function callAddress({ id, capabilities, version }: CspSession, { shttp }: CspSettings) {
  if (shttp === undefined || !capabilities.cir.includes('SHTTP')) return {};
  const address = { URL: `${shttp}${callToken(id)}` };
  return version === '1.3' ? { CIRHTTPAddress: address } : { CIRURL: address };
}

/** Takes over what the client can do; gives what 1.2 and 1.3 are told of it. */
export async function agreeCapabilities(
  { settings, sessions, profiles }: Pick<CspServices, 'settings' | 'sessions' | 'profiles'>,
  session: CspSession,
  wishes: Wishes,
): Promise<Body<'AgreedCapabilityList'>> {
  session.capabilities = capabilitiesOf(wishes, settings, session);
  await sessions.save(session);
  await profiles.sawTerminal(session.home.address, session.clientId, {
    type: wishes.ClientType?.slice(0, MAX_CLIENT_TYPE),
    capabilities: JSON.stringify(session.capabilities),
  });
  return { ...agreed(wishes, session, settings), ...callAddress(session, settings) };
}

/**
 * 1.1 answers with the whole list as agreed, later versions with what is to be told only. COMPAT(Android): the
 * list must be the first child, so ClientID is echoed only where the syntax has it and the client sent it.
 */
export async function negotiateCapabilities(
  { services, session, version }: SessionExchange,
  body: Body<'ClientCapability-Request'>,
): Promise<Element> {
  const wishes: Wishes = body.CapabilityList ?? {};
  const terms = await agreeCapabilities(services, session, wishes);
  // As other servers do: a client that negotiates is about to be used.
  await autoJoin(services, session);
  if (version !== '1.1')
    return buildElement('ClientCapability-Response', { AgreedCapabilityList: terms }, version);
  const { AcceptedContentType: _dropped, ...kept } = wishes;
  const list = { ...kept, AnyContent: true, ...agreed(wishes, session, services.settings) };
  const clientId = body.ClientID === undefined ? {} : { ClientID: body.ClientID };
  return buildElement('ClientCapability-Response', { ...clientId, CapabilityList: list }, version);
}
