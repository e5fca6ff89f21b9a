// Two phones of the same WV server: an old one that polls and a newer one that is called.

import type { PhoneUser } from '../phones.ts';
import { seenAfter, type Scene } from '../scene.ts';

export function phonesScene(ann: PhoneUser, bea: PhoneUser): Scene {
  return {
    title: 'Phone ⇄ phone',
    steps: [
      {
        from: 'bea',
        to: 'ann',
        what: 'asks to see her presence',
        play: () => seenAfter(ann.seesRequestOf(bea.address), () => bea.watches(ann.address)),
      },
      {
        from: 'ann',
        to: 'bea',
        what: 'grants it: bea sees ann online',
        play: () =>
          seenAfter(bea.seesPresence(ann.address, { OnlineStatus: 'T', UserAvailability: 'AVAILABLE' }), () =>
            ann.lets(bea.address),
          ),
      },
      {
        from: 'ann',
        to: 'bea',
        what: 'asks to see her presence',
        play: () => seenAfter(bea.seesRequestOf(ann.address), () => ann.watches(bea.address)),
      },
      {
        from: 'bea',
        to: 'ann',
        what: 'grants it: ann sees bea online',
        play: () =>
          seenAfter(ann.seesPresence(bea.address, { OnlineStatus: 'T' }), () => bea.lets(ann.address)),
      },
      {
        from: 'bea',
        to: 'ann',
        what: 'shows AVAILABLE, “waiting for the bus”',
        play: () =>
          seenAfter(ann.seesPresence(bea.address, { StatusText: 'waiting for the bus' }), () =>
            bea.shows('AVAILABLE', 'waiting for the bus'),
          ),
      },
      {
        from: 'ann',
        to: 'bea',
        what: '“Where are you?”',
        play: () =>
          seenAfter(bea.seesMessage(ann.address, 'Where are you?'), () =>
            ann.writes(bea.address, 'Where are you?'),
          ),
      },
      {
        from: 'bea',
        to: 'ann',
        what: '“Still at the stop. Grüße! 🚌”',
        play: () =>
          seenAfter(ann.seesMessage(bea.address, 'Still at the stop. Grüße! 🚌'), () =>
            bea.writes(ann.address, 'Still at the stop. Grüße! 🚌'),
          ),
      },
    ],
  };
}
