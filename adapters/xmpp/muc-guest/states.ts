// The life of one of our users in a room of another server (XEP-0045 section 7), as a table of state and event.

/**
 * `joining`: somebody waits for the answer. `in`: the room counts us in. `rejoining`: the room lost us, or we the room;
 * the user notices nothing. `leaving`: the room has not said goodbye yet.
 */
export type GuestState = 'joining' | 'in' | 'rejoining' | 'leaving' | 'gone';

/**
 * `entered`: self-presence. `refused`: an error instead, for good. `clash`: the nick is another's. `late`: no answer in time. `removed`: put out, by
 * somebody or with the room. `evicted`: out for technical reasons. `lost`: the stream ended. `leave`: own wish.
 */
export type GuestEvent = 'entered' | 'refused' | 'clash' | 'late' | 'removed' | 'evicted' | 'lost' | 'leave';

/**
 * `answer`: who waits for the join learns the outcome. `withdraw`: tell the room that we leave. `tell`: the user learns
 * that he is out. `again`: join later. `forget`: nothing of it is kept.
 */
export type GuestEffect = 'answer' | 'withdraw' | 'tell' | 'again' | 'forget';

interface Step {
  readonly next: GuestState;
  readonly effects: readonly GuestEffect[];
}

const step = (next: GuestState, ...effects: readonly GuestEffect[]): Step => ({ next, effects });

const STEPS: { readonly [State in GuestState]: { readonly [Event in GuestEvent]?: Step } } = {
  joining: {
    entered: step('in', 'answer'),
    refused: step('gone', 'answer', 'forget'),
    // Whoever waits may have another name to try.
    clash: step('joining', 'answer'),
    // It may still let us in.
    late: step('leaving', 'answer', 'withdraw'),
    removed: step('gone', 'answer', 'forget'),
    // The end of an earlier stay; our request is still to be answered.
    evicted: step('joining'),
    lost: step('leaving', 'answer'),
    leave: step('leaving', 'answer', 'withdraw'),
  },
  in: {
    entered: step('in'),
    removed: step('gone', 'tell', 'forget'),
    evicted: step('rejoining', 'again'),
    lost: step('rejoining'),
    leave: step('leaving', 'withdraw'),
  },
  rejoining: {
    entered: step('in'),
    refused: step('gone', 'tell', 'forget'),
    clash: step('rejoining', 'again'),
    late: step('rejoining', 'again'),
    removed: step('gone', 'tell', 'forget'),
    evicted: step('rejoining', 'again'),
    lost: step('rejoining'),
    leave: step('leaving', 'withdraw'),
  },
  leaving: {
    // The answer to a request that was given up.
    entered: step('leaving', 'withdraw'),
    refused: step('gone', 'forget'),
    clash: step('gone', 'forget'),
    late: step('gone', 'forget'),
    removed: step('gone', 'forget'),
    evicted: step('gone', 'forget'),
    lost: step('leaving'),
    leave: step('leaving', 'withdraw'),
  },
  gone: {},
};

/** What an event means in a state; undefined = nothing. */
export function stepOf(state: GuestState, event: GuestEvent): Step | undefined {
  return STEPS[state][event];
}
