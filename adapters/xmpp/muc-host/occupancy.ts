// What presence to a room means, as a table (XEP-0045 sections 7.1, 7.2, 7.6, 7.14). Clients of one user share one
// nick; each comes and goes by itself (bridging section 14, failure mode 12).

/** Where the client is: `out`; `beside` = another client of the same user is in; `in` = this very client is. */
export type Place = 'out' | 'beside' | 'in';

/** `enter`: with the `x` of XEP-0045; `show`: without; `rename`: to another nick than the one he has. */
export type PresenceEvent = 'enter' | 'show' | 'enterAs' | 'rename' | 'exit' | 'fail';

/**
 * `join`: asks the group's home; `add`: one more client, the home knows the user; `resync`: a client that lost what it
 * knew; `drop`: this client only, with the last one the user; `refuse`: not an occupant.
 */
export type Step = 'join' | 'add' | 'resync' | 'rename' | 'drop' | 'refuse' | 'ignore';

export const OCCUPANCY: Readonly<Record<Place, Readonly<Record<PresenceEvent, Step>>>> = {
  // Presence without the `x` was a join in Groupchat 1.0. Today it comes from clients that take themselves for
  // occupants, and must learn that they are none.
  out: { enter: 'join', enterAs: 'join', show: 'refuse', rename: 'refuse', exit: 'ignore', fail: 'ignore' },
  // Another nick is not to be had: the client gets the nick of the others (status 210).
  beside: { enter: 'add', enterAs: 'add', show: 'refuse', rename: 'refuse', exit: 'ignore', fail: 'ignore' },
  // WV has no word for away in a group, so that a mere `show` has no consequence.
  in: { enter: 'resync', enterAs: 'rename', show: 'ignore', rename: 'rename', exit: 'drop', fail: 'drop' },
};
