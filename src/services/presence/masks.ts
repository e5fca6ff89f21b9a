// Sets of presence attributes as bit masks: fan-out compares and groups thousands of them.

import {
  PRESENCE_ATTRIBUTE_NAMES,
  type AttributeFilter,
  type PresenceAttributeName,
  type PresenceAttributes,
} from '../../wv/presence.ts';

export type AttributeMask = number;

const BITS = new Map<PresenceAttributeName, number>(
  PRESENCE_ATTRIBUTE_NAMES.map((name, index) => [name, 1 << index]),
);

export const ALL_ATTRIBUTES: AttributeMask = (1 << PRESENCE_ATTRIBUTE_NAMES.length) - 1;

export function maskOf(names: Iterable<PresenceAttributeName> | undefined): AttributeMask {
  if (names === undefined) return ALL_ATTRIBUTES;
  let mask = 0;
  for (const name of names) mask |= BITS.get(name) ?? 0;
  return mask;
}

export function maskOfValues(values: PresenceAttributes): AttributeMask {
  return maskOf(Object.keys(values) as PresenceAttributeName[]);
}

export function namesOf(mask: AttributeMask): readonly PresenceAttributeName[] {
  return PRESENCE_ATTRIBUTE_NAMES.filter((name) => (mask & (BITS.get(name) ?? 0)) !== 0);
}

export function filterOf(mask: AttributeMask): AttributeFilter {
  return new Set(namesOf(mask));
}

/** The values the mask names; with `missing`, named attributes without a value get that one. */
export function pick(
  values: PresenceAttributes,
  mask: AttributeMask,
  missing?: PresenceAttributes[PresenceAttributeName],
): PresenceAttributes {
  const picked: Record<string, NonNullable<PresenceAttributes[PresenceAttributeName]>> = {};
  for (const name of namesOf(mask)) {
    const value = values[name] ?? missing;
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
