// Moods: StatusMood and XEP-0107, both ways, as data (bridging 3.2).

import { simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute, StatusMood } from '../../src/wv/presence.ts';
import { NS } from './namespaces.ts';
import { elementsOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

const TO_XMPP: Readonly<Record<StatusMood, string>> = {
  HAPPY: 'happy',
  SAD: 'sad',
  ANGRY: 'angry',
  JEALOUS: 'jealous',
  ASHAMED: 'ashamed',
  INVINCIBLE: 'invincible',
  IN_LOVE: 'in_love',
  SLEEPY: 'sleepy',
  BORED: 'bored',
  EXCITED: 'excited',
  ANXIOUS: 'anxious',
};

/** Moods of XMPP that WV has no word for, by the nearest one; others are dropped. */
const NEAREST: Readonly<Record<StatusMood, string>> = {
  IN_LOVE: 'amorous flirtatious',
  ANGRY: 'annoyed cranky grumpy outraged indignant frustrated mean',
  SAD: 'dejected depressed disappointed hurt lonely remorseful',
  SLEEPY: 'tired sick weak',
  ANXIOUS: 'afraid nervous stressed worried restless',
  INVINCIBLE: 'confident proud strong brave lucky',
  ASHAMED: 'embarrassed guilty humiliated shy',
  JEALOUS: 'envious',
  EXCITED: 'amazed surprised playful interested',
  HAPPY: 'calm contented relaxed relieved thankful hopeful',
  BORED: '',
};

const TO_WV: ReadonlyMap<string, string> = new Map([
  ...Object.entries(TO_XMPP).map(([mood, word]) => [word, mood] as const),
  ...Object.entries(NEAREST).flatMap(([mood, words]) =>
    words.split(' ').map((word) => [word, mood] as const),
  ),
]);

/** The item of a mood; an empty one says that there is none (any more). */
export function moodItem(mood: PresenceAttribute | undefined): XmlElement {
  const value = mood?.valid === true ? (mood.value ?? '').toUpperCase() : '';
  const word = Object.hasOwn(TO_XMPP, value) ? TO_XMPP[value as StatusMood] : undefined;
  return xml(NS.mood, 'mood', {}, word === undefined ? undefined : xml(NS.mood, word));
}

/** StatusMood of an item; withdrawn when WV has no word for it. */
export function readMood(item: XmlElement): PresenceAttribute {
  for (const { name } of elementsOf(item)) {
    const mood = TO_WV.get(name);
    if (mood !== undefined) return simple(mood);
  }
  return WITHDRAWN;
}
