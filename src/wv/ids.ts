// Branded identifiers: a string of one kind is never taken for another.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Canonical user address, folded to lower case: `wv:user@domain` (also `wv:+digits@domain`). */
export type UserAddress = Branded<'UserAddress'>;
/** Canonical contact list address: `wv:user/list@domain`. */
export type ListAddress = Branded<'ListAddress'>;
/** Canonical group address: `wv:user/group@domain` or `wv:/group@domain`. */
export type GroupAddress = Branded<'GroupAddress'>;
/** Canonical service address: `wv:@domain`. */
export type ServiceAddress = Branded<'ServiceAddress'>;
/** A domain name in lower case. */
export type Domain = Branded<'Domain'>;

/** Opaque, issued by the originating home, at most 50 ASCII characters (csp-datatypes section 2). */
export type MessageId = Branded<'MessageId'>;
/** Opaque and unguessable: it grants access to a session. At most 50 ASCII characters. */
export type SessionId = Branded<'SessionId'>;
/** Chosen by whoever starts a transaction; unique per session and direction while it is open. */
export type TransactionId = Branded<'TransactionId'>;
/** Identifies an application on a device: a URL-like text or an MSISDN. */
export type ClientId = Branded<'ClientId'>;

/** Marks text from a trusted source (the store, our own generator) as an id. Never for unchecked input. */
export function trusted<T extends Branded<string>>(text: string): T {
  return text as T;
}
