// What servers ask each other about their session (ssp.md sections 4 and 6.1).

import { node, type Element } from '../../../wv/element.ts';
import { SSP_FUNCTIONS, type ControlRequest, type ControlResponse, type SspFunction } from '../document.ts';
import { OUTCOME } from './common.ts';
import { attribute, child, content, must, or, record, unless, type Part } from './parts.ts';
import { NUMBER, oneOf, PLAIN, USER, YES_NO } from './values.ts';

type Control = ControlRequest | ControlResponse;

/** Every control thing of a union without its name. */
type ControlParts<Union extends Control> = {
  readonly [Name in Union['name']]: Part<Omit<Extract<Union, { readonly name: Name }>, 'name'>>;
};

const KNOWN: ReadonlySet<string> = new Set(Object.values(SSP_FUNCTIONS).flat());

function isFunction(name: string): name is SspFunction {
  return KNOWN.has(name);
}

/** Functions at any level of the tree; names that nobody here knows are not agreed on. */
function functionsIn(element: Element): readonly SspFunction[] {
  return element.children.flatMap((found) => (isFunction(found.name) ? [found.name] : functionsIn(found)));
}

/** The service tree, as CSP writes it: `WVCSPFeat`, feature, function. */
const TREE: Part<ReadonlySet<SspFunction>> = {
  read: (element) => new Set(functionsIn(element)),
  write: (functions, draft) => {
    const features = Object.entries(SSP_FUNCTIONS).flatMap(([feature, names]) => {
      const agreed = names.filter((name) => functions.has(name));
      return agreed.length === 0
        ? []
        : [
            node(
              feature,
              agreed.map((name) => node(name)),
            ),
          ];
    });
    draft.children.push(node('WVCSPFeat', features));
  },
};

const NO_FUNCTIONS: ReadonlySet<SspFunction> = new Set();
const FUNCTIONS = or(child('Functions', TREE), NO_FUNCTIONS);
const TIME_TO_LIVE = attribute('timeToLive', NUMBER);

export const CONTROL_REQUESTS: ControlParts<ControlRequest> = {
  KeepAliveRequest: record({ timeToLive: TIME_TO_LIVE }),
  LogoutRequest: record({}),
  Disconnect: record({ result: OUTCOME }),
  ServiceRequest: record({ functions: FUNCTIONS }),
  UserQuery: record({ user: must(attribute('userID', USER), 'userID') }),
  GatewayState: record({
    run: must(attribute('run', PLAIN), 'run'),
    health: must(attribute('health', oneOf(['up', 'degraded', 'down'])), 'health'),
    usable: unless(attribute('usable', YES_NO), false),
  }),
};

export const CONTROL_RESPONSES: ControlParts<ControlResponse> = {
  KeepAliveResponse: record({ timeToLive: TIME_TO_LIVE, result: OUTCOME }),
  ServiceResponse: record({ result: OUTCOME, functions: FUNCTIONS }),
  UserQueryResponse: record({ result: OUTCOME, displayName: child('DisplayName', content(PLAIN)) }),
};
