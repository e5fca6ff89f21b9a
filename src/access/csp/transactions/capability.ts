// Client capability negotiation (csp-transactions 1.7).

import type { Element } from '../../../wv/element.ts';
import { DEFAULT_UDP_PORT, UNNEGOTIATED, type Capabilities, type CirMethod } from '../capabilities.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import type { CspSettings, SessionExchange } from '../transaction.ts';

type Wishes = Body<'CapabilityList'>;

/** Phones stop growing their buffers somewhere; a client that names less than this cannot be served at all. */
const SMALLEST_PARSER = 512;
const MAX_MULTI_TRANS = 8;
const MAX_CLIENT_TYPE = 30;

/** The call methods we can use, best first, out of those the client offers (csp-transport section 2). */
function usableCir(wishes: Wishes, settings: CspSettings): readonly CirMethod[] {
  const offered = new Set((wishes.SupportedCIRMethod ?? []).map((method) => method.toUpperCase()));
  const usable: CirMethod[] = [];
  if (settings.stcp !== undefined && offered.has('STCP')) usable.push('STCP');
  if (settings.sudp && offered.has('SUDP')) usable.push('SUDP');
  return usable;
}

/** COMPAT(Movistar): a limit of 0 names none. Taken at its word, nothing could be pushed to a client that asks for push. */
function named(limit: number | undefined): number | undefined {
  return limit === 0 ? undefined : limit;
}

function capabilitiesOf(wishes: Wishes, settings: CspSettings): Capabilities {
  return {
    deliveryMethod: wishes.InitialDeliveryMethod?.toUpperCase() === 'N' ? 'N' : 'P',
    acceptedContentLength:
      named(wishes.AcceptedContentLength ?? wishes.AcceptedPushLength) ?? UNNEGOTIATED.acceptedContentLength,
    parserSize: Math.max(SMALLEST_PARSER, named(wishes.ParserSize) ?? UNNEGOTIATED.parserSize),
    multiTrans: Math.min(Math.max(1, wishes.MultiTrans ?? 1), MAX_MULTI_TRANS),
    cir: usableCir(wishes, settings),
    udpPort: wishes.UDPPort ?? DEFAULT_UDP_PORT,
  };
}

const BEARERS = new Set(['HTTP', 'WSP', 'HTTPS']);

/** What is agreed: values as wished where we can, our own where not. */
function agreed(wishes: Wishes, capabilities: Capabilities, settings: CspSettings) {
  const stcp = capabilities.cir.includes('STCP') ? settings.stcp : undefined;
  const bearers = (wishes.SupportedBearer ?? []).filter((bearer) => BEARERS.has(bearer.toUpperCase()));
  return {
    SupportedBearer: bearers.length > 0 ? bearers : ['HTTP'],
    SupportedCIRMethod: capabilities.cir,
    TCPAddress: stcp?.address,
    TCPPort: stcp?.port,
    ServerPollMin: Math.max(wishes.ServerPollMin ?? settings.pollMin, settings.pollMin),
  };
}

/**
 * 1.1 answers with the whole list as agreed, later versions with what is to be told only. COMPAT(Android): the
 * list must be the first child, so ClientID is echoed only where the syntax has it and the client sent it.
 */
export async function negotiateCapabilities(
  exchange: SessionExchange,
  body: Body<'ClientCapability-Request'>,
): Promise<Element> {
  const { services, session, version } = exchange;
  const wishes: Wishes = body.CapabilityList ?? {};
  session.capabilities = capabilitiesOf(wishes, services.settings);
  await services.sessions.save(session);
  await services.profiles.sawTerminal(session.home.address, session.clientId, {
    type: wishes.ClientType?.slice(0, MAX_CLIENT_TYPE),
    capabilities: JSON.stringify(session.capabilities),
  });
  const terms = agreed(wishes, session.capabilities, services.settings);
  if (version === '1.1') {
    const { AcceptedContentType: _dropped, ...kept } = wishes;
    const list = { ...kept, AnyContent: true, ...terms };
    const clientId = body.ClientID === undefined ? {} : { ClientID: body.ClientID };
    return buildElement('ClientCapability-Response', { ...clientId, CapabilityList: list }, version);
  }
  return buildElement('ClientCapability-Response', { AgreedCapabilityList: terms }, version);
}
