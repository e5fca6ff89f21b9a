// The port through which services reach anybody else, even on the same machine: the relay implements it.

import type { Domain } from '../wv/ids.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../wv/primitives.ts';

export interface Outgoing {
  /** Hands a request to the home (or gateway, or peer) of its target; the answer is never an exception. */
  request(request: RequestPrimitive): Promise<ResponsePrimitive>;
}

/** What is known of others without asking them. */
export interface Destinations extends Outgoing {
  /** True when users of this domain can be reached at all. */
  reaches(domain: Domain): boolean;
}
