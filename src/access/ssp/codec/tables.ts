// What the tables of parts describe: every primitive of the relay, without its name.

import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../../wv/primitives.ts';
import type { Part } from './parts.ts';

/** A request without its name. */
export type Body<Name extends RequestName> = Omit<
  Extract<RequestPrimitive, { readonly primitive: Name }>,
  'primitive'
>;

export type ResponseName = ResponsePrimitive['primitive'];

/** A response without its name. */
export type Answer<Name extends ResponseName> = Omit<
  Extract<ResponsePrimitive, { readonly primitive: Name }>,
  'primitive'
>;

export type RequestParts = { readonly [Name in RequestName]: Part<Body<Name>> };
export type ResponseParts = { readonly [Name in ResponseName]: Part<Answer<Name>> };
