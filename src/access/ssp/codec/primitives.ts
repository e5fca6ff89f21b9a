// One primitive ⇄ one element: the tables of all subjects put together (ssp.md section 6).

import type { Element } from '../../../wv/element.ts';
import type { PresenceNotification, RequestPrimitive, ResponsePrimitive } from '../../../wv/primitives.ts';
import { OK, type StatusCode } from '../../../wv/status.ts';
import type { ControlRequest, ControlResponse, Mode, RequestContent, ResponseContent } from '../document.ts';
import { OUTCOME, STATUS_CONTENT } from './common.ts';
import { CONTROL_REQUESTS, CONTROL_RESPONSES } from './control.ts';
import { GROUP_REQUESTS, GROUP_RESPONSES } from './groups.ts';
import { INVITATION_REQUESTS } from './invitations.ts';
import { MESSAGE_REQUESTS, SEND_MESSAGE_RESPONSE } from './messages.ts';
import { build, mapped, Unreadable, type Part, type ReadContext, type WriteContext } from './parts.ts';
import { GET_PRESENCE_RESPONSE, NOTIFICATIONS, PRESENCE_REQUESTS } from './presence.ts';
import type { RequestParts, ResponseParts } from './tables.ts';

/** All but PresenceNotification, which is the only one that may be several. */
const REQUESTS: Omit<RequestParts, 'PresenceNotification'> = {
  ...MESSAGE_REQUESTS,
  ...PRESENCE_REQUESTS,
  ...INVITATION_REQUESTS,
  ...GROUP_REQUESTS,
};

const RESPONSES: ResponseParts = {
  Status: mapped(
    STATUS_CONTENT,
    (result) => ({ result }),
    ({ result }) => result,
  ),
  SendMessageResponse: SEND_MESSAGE_RESPONSE,
  GetPresenceResponse: GET_PRESENCE_RESPONSE,
  ...GROUP_RESPONSES,
};

/** A table of parts without the types that tie each name to its own: they held where the table was written. */
type Loose = Readonly<Record<string, Part<object>>>;

function partOf(table: object, name: string): Part<object> | undefined {
  return Object.hasOwn(table, name) ? (table as Loose)[name] : undefined;
}

// ---- reading

/** The mode of a transaction that does not say it. */
export function modeOf(name: string): Mode {
  return Object.hasOwn(RESPONSES, name) || Object.hasOwn(CONTROL_RESPONSES, name) ? 'Response' : 'Request';
}

/** Never throws: what cannot be understood is `unreadable`. */
export function readRequest(element: Element, context: ReadContext): RequestContent {
  return readable(element, () => requestIn(element, context));
}

export function readResponse(element: Element, context: ReadContext): ResponseContent {
  return readable(element, () => responseIn(element, context));
}

interface UnreadableContent {
  readonly kind: 'unreadable';
  readonly primitive: string;
  readonly code: StatusCode;
  readonly reason: string;
}

const LONGEST_NAME = 64;

export function unreadable(name: string, code: StatusCode, reason: string): UnreadableContent {
  return { kind: 'unreadable', primitive: name.slice(0, LONGEST_NAME), code, reason };
}

function readable<T>(element: Element, read: () => T | undefined): T | UnreadableContent {
  try {
    return read() ?? unreadable(element.name, 405, 'no primitive of SSP that is relayed');
  } catch (error) {
    if (error instanceof Unreadable) return unreadable(element.name, error.code, error.message);
    throw error;
  }
}

function requestIn(element: Element, context: ReadContext): RequestContent | undefined {
  const { name } = element;
  if (name === 'PresenceNotification') {
    return { kind: 'relay', requests: NOTIFICATIONS.read(element, context) };
  }
  const body = partOf(REQUESTS, name)?.read(element, context);
  if (body !== undefined) {
    return { kind: 'relay', requests: [{ primitive: name, ...body } as RequestPrimitive] };
  }
  const control = partOf(CONTROL_REQUESTS, name)?.read(element, context);
  return control === undefined
    ? undefined
    : { kind: 'control', control: { name, ...control } as ControlRequest };
}

function responseIn(element: Element, context: ReadContext): ResponseContent | undefined {
  const { name } = element;
  if (name === 'LeaveGroupIndication') return { kind: 'relay', response: leftGroup(element, context) };
  const answer = partOf(RESPONSES, name)?.read(element, context);
  if (answer !== undefined) {
    return { kind: 'relay', response: { primitive: name, ...answer } as ResponsePrimitive };
  }
  const control = partOf(CONTROL_RESPONSES, name)?.read(element, context);
  return control === undefined
    ? undefined
    : { kind: 'control', control: { name, ...control } as ControlResponse };
}

/** COMPAT(Baraza): the answer to LeaveGroupRequest; that it was the user's own wish (824) is its success. */
function leftGroup(element: Element, context: ReadContext): ResponsePrimitive {
  const result = OUTCOME.read(element, context);
  return { primitive: 'Status', result: result.code === 824 ? OK : result };
}

// ---- writing

/** Throws TypeError for contents that nobody may send: unreadable ones, several requests that are no notifications. */
export function writeRequest(content: RequestContent, context: WriteContext): Element {
  if (content.kind === 'unreadable') throw new TypeError('an unreadable request is never sent');
  if (content.kind === 'control')
    return write(CONTROL_REQUESTS, content.control.name, content.control, context);
  const [request, ...more] = content.requests;
  if (request === undefined || request.primitive === 'PresenceNotification') {
    return build('PresenceNotification', NOTIFICATIONS, sameWatchers(content.requests), context);
  }
  if (more.length > 0) throw new TypeError(`several ${request.primitive} in one`);
  return write(REQUESTS, request.primitive, request, context);
}

export function writeResponse(content: ResponseContent, context: WriteContext): Element {
  if (content.kind === 'unreadable') throw new TypeError('an unreadable response is never sent');
  return content.kind === 'control'
    ? write(CONTROL_RESPONSES, content.control.name, content.control, context)
    : write(RESPONSES, content.response.primitive, content.response, context);
}

function write(table: object, name: string, value: object, context: WriteContext): Element {
  const part = partOf(table, name);
  if (part === undefined) throw new TypeError(`${name} is no primitive of SSP`);
  return build(name, part, value, context);
}

function sameWatchers(requests: readonly RequestPrimitive[]): readonly PresenceNotification[] {
  const watchers = (notification: PresenceNotification): string => notification.watchers.join(' ');
  const notifications = requests.filter((request) => request.primitive === 'PresenceNotification');
  const distinct = new Set(notifications.map(watchers));
  if (notifications.length < requests.length || distinct.size > 1) {
    throw new TypeError('only notifications for the same watchers travel together');
  }
  return notifications;
}
