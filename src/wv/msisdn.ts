// Telephone numbers as the network knows them (csp-datatypes section 1: MSISDN in E.164).

declare const brand: unique symbol;

/** A number in E.164, digits only, without plus: country code first, 6 to 15 digits. */
export type Msisdn = string & { readonly [brand]: 'Msisdn' };

/** What people and gateways put between the digits. */
const SEPARATORS = /[\s().-]/g;

/**
 * Reads a number as phones and gateways write it: `+34 600 000 000`, `0034…`, `tel:+34…`, bare digits with the country
 * code. undefined = anything else, such as a national number, which begins with a single 0.
 */
export function parseMsisdn(text: string): Msisdn | undefined {
  const compact = text.trim().slice(0, 64).replace(/^tel:/i, '').replace(SEPARATORS, '');
  const digits = compact.replace(/^(?:\+|00)/, '');
  return /^[1-9]\d{5,14}$/.test(digits) ? (digits as Msisdn) : undefined;
}
