// The few words of XEP-0060 that personal events (XEP-0163) need.

import { NS } from './namespaces.ts';
import { childOf, elementsOf, stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** One item of a node. */
export interface PepEvent {
  readonly node: string;
  readonly payload: XmlElement;
}

/** Nodes of one event, and items of one answer, that are looked at. */
const MAX_ITEMS = 8;

/** The newest items of a message; nothing when it is no event. */
export function eventsIn(message: XmlElement): readonly PepEvent[] {
  const event = childOf(message, 'event', NS.pubsubEvent);
  if (event === undefined) return [];
  return elementsOf(event)
    .filter(({ name }) => name === 'items')
    .slice(0, MAX_ITEMS)
    .flatMap((items) => eventOf(items));
}

function eventOf(items: XmlElement): PepEvent[] {
  const node = items.attrs['node'] ?? '';
  const last = elementsOf(items)
    .filter(({ name }) => name === 'item')
    .at(-1);
  const payload = last === undefined ? undefined : elementsOf(last)[0];
  return payload === undefined ? [] : [{ node, payload }];
}

/** The payload of the first item of a node in the answer to a request for items. */
export function itemIn(answer: XmlElement | undefined, node: string): XmlElement | undefined {
  const items = answer === undefined ? undefined : childOf(answer, 'items');
  if (items === undefined || items.attrs['node'] !== node) return undefined;
  return elementsOf(items).flatMap((item) => elementsOf(item))[0];
}

/** Asks for the last item of a node. */
export function lastItemRequest(node: string): XmlElement {
  return xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'items', { node, max_items: '1' }));
}

export function avatarDataRequest(hash: string): XmlElement {
  const item = xml(NS.pubsub, 'item', { id: hash });
  return xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'items', { node: NS.avatarData }, item));
}

/** The answer with one item. */
export function itemsAnswer(node: string, id: string, payload: XmlElement): XmlElement {
  const item = xml(NS.pubsub, 'item', { id }, payload);
  return xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'items', { node }, item));
}

/** A directed notification. */
export function eventMessage(
  from: string,
  to: string,
  node: string,
  id: string,
  payload: XmlElement,
): XmlElement {
  const item = xml(NS.pubsubEvent, 'item', { id }, payload);
  const items = xml(NS.pubsubEvent, 'items', { node }, item);
  return stanza('message', { from, to, type: 'headline' }, xml(NS.pubsubEvent, 'event', {}, items));
}
