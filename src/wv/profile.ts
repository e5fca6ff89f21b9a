// The words of user profiles: services subscribed, the public profile of IMPS 1.3, what others may find one by.

/** What a user may have subscribed to. Session, contact with the server itself and access control are everybody's. */
export const SERVICE_NAMES = ['presence', 'im', 'group', 'content', 'invite', 'search'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Parts of a profile that search can be told to pass over. */
export const FINDABLE_FIELDS = ['id', 'name', 'alias', 'email', 'mobileNumber', 'publicProfile'] as const;
export type FindableField = (typeof FINDABLE_FIELDS)[number];
export type Findable = Readonly<Record<FindableField, 'everybody' | 'nobody'>>;

const text = (value: string): boolean => value.length <= 200;
const word = (value: string): boolean => value.length <= 50;

/** Properties of the public profile (csp-transactions section 11), each with the check of its value. */
export const PUBLIC_PROPERTIES = {
  PP_AGE: (value: string) => /^\d{1,3}$/.test(value) && Number(value) <= 150,
  PP_CITY: text,
  PP_COUNTRY: text,
  PP_FRIENDLY_NAME: text,
  PP_FREE_TEXT: text,
  PP_GENDER: word,
  PP_INTENTION: word,
  PP_INTERESTS: text,
  /** One letter, as in csp-datatypes (Baraza). */
  PP_MARITAL_STATUS: (value: string) => /^[CDEMSUW]$/i.test(value),
} as const;
export type PublicProperty = keyof typeof PUBLIC_PROPERTIES;
export type PublicProfile = Readonly<Partial<Record<PublicProperty, string>>>;

export function isPublicProperty(name: string): name is PublicProperty {
  return Object.hasOwn(PUBLIC_PROPERTIES, name);
}

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** True when the property may have that value. */
export function isPublicValue(name: PublicProperty, value: string): boolean {
  return value !== '' && !CONTROL.test(value) && PUBLIC_PROPERTIES[name](value);
}

/** True when a text fit for a profile: not too long (characters), no control characters. */
export function isProfileText(value: string, longest: number): boolean {
  return value.length <= longest && !CONTROL.test(value);
}

/** E.164: country code and number, digits only. */
export function isMobileNumber(value: string): boolean {
  return /^[1-9]\d{3,14}$/.test(value);
}
