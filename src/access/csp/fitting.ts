// Whether content can go to a client as it is (csp-transactions section 0, rule 10; 1.7): by delivery method, accepted
// types, accepted length and parser size.

import { contentSize, type Message, type MessageContent } from '../../wv/message.ts';
import type { Wish } from '../../services/content/attachments.ts';
import { isAccepted, isText } from '../../services/content/content-types.ts';
import type { Capabilities } from './capabilities.ts';

export type Fitting =
  | { readonly kind: 'push' }
  /** Nothing else helps: the client is told that there is a message, and may fetch it. */
  | { readonly kind: 'announce' }
  /** In another form it may be pushed. */
  | { readonly kind: 'adapt'; readonly wish: Wish };

/** Octets that everything around a transaction's content takes in XML: envelope, ids, namespaces. */
export const ENVELOPE_BYTES = 700;
/** Octets of a MessageInfo with addresses of common length. */
const INFO_BYTES = 900;
/** The most that is pushed to a client that named no limit: larger things it may fetch. */
const MAX_PUSH = 131_072;

/** Octets of binary content that a message of so many octets can hold as BASE64. */
function roomIn(messageBytes: number): number {
  return Math.max(0, Math.floor(((messageBytes - ENVELOPE_BYTES - INFO_BYTES) * 3) / 4));
}

/** What happens to a message towards a client with these capabilities. */
export function fitting({ content }: Message, capabilities: Capabilities): Fitting {
  if (capabilities.deliveryMethod === 'N') return { kind: 'announce' };
  // Text is never cut nor changed.
  if (isText(content.contentType) && content.stored === undefined) return { kind: 'push' };
  const wish = pushWish(capabilities);
  const accepted = isAccepted(capabilities.acceptedTypes, content.contentType);
  const fits = accepted && content.stored === undefined && fitsLimits(content, capabilities);
  return fits ? { kind: 'push' } : { kind: 'adapt', wish };
}

function fitsLimits(content: MessageContent, { acceptedContentLength, parserSize }: Capabilities): boolean {
  const room = parserSize - ENVELOPE_BYTES - INFO_BYTES;
  return contentSize(content) <= acceptedContentLength && escapedSize(content.data) <= room;
}

function wishOf({ acceptedTypes }: Capabilities, maxBytes: number): Wish {
  return { maxBytes, ...(acceptedTypes === undefined ? {} : { types: acceptedTypes }) };
}

function pushWish(capabilities: Capabilities): Wish {
  const { acceptedContentLength, parserSize } = capabilities;
  return wishOf(capabilities, Math.min(acceptedContentLength, roomIn(parserSize), MAX_PUSH));
}

/** What the client takes in answer to GetMessage: whatever it can parse, and AcceptedPullLength where it named one. */
export function pullWish(capabilities: Capabilities): Wish {
  const { acceptedPullLength, parserSize } = capabilities;
  return wishOf(capabilities, Math.min(acceptedPullLength, roomIn(parserSize)));
}

/**
 * What is pushed when there is no other form: nothing to a client that can fetch it, the content as it is to one that
 * would not understand the announcement. undefined also when the content is too large to be in the message.
 */
export function unadapted({ content }: Message, { fetches }: Capabilities): MessageContent | undefined {
  return fetches || content.stored !== undefined ? undefined : content;
}

/** The last word on a message that was put into words: may it be pushed like this? `info`: its MessageInfo. */
export function mayPush(
  content: MessageContent,
  info: number,
  { acceptedContentLength, fetches, parserSize }: Capabilities,
): boolean {
  if (fetches && contentSize(content) > acceptedContentLength) return false;
  return info + escapedSize(content.data) + ENVELOPE_BYTES <= parserSize;
}

/** Octets of text in an XML document: UTF-8, with `&` and `<` escaped. */
function escapedSize(text: string): number {
  const octets = contentSize({ contentType: 'text/plain', encoding: 'none', data: text });
  return octets + 4 * (text.match(/[&<]/g)?.length ?? 0);
}
