// Differences between clients as data (design section 3): one row a family, matched by ClientID, User-Agent and
// version. Handlers ask the row, never the name. Behaviour that all families can live with is no quirk and stands
// where it is served, marked COMPAT.

import type { CspVersion } from '../../wv/version.ts';

export interface ClientQuirks {
  /** For metrics; 'unknown' where no row matched. */
  readonly family: string;
  /**
   * False = never confirms anything: what was handed out counts as delivered when the client asks for more.
   * Without that, every log-in would bring all old messages again.
   */
  readonly acknowledges: boolean;
  /** Takes the first PresenceValue of a GetPresence answer for the Alias: so Alias comes first, against the DTD. */
  readonly aliasFirst: boolean;
  /**
   * False = does not know MessageNotification (csp-transactions section 12): what exceeds AcceptedContentLength is
   * pushed all the same, as far as ParserSize allows, if it cannot be made shorter. Only SetDeliveryMethod makes it a client that fetches.
   */
  readonly fetches: boolean;
  /** Seconds a poll may be held without the client's asking for it (long poll); 0 = it must be answered at once. */
  readonly pollPatience: number;
  /** Reads a UserMapList as a flat list of entries with SName inside, and looks for it where 1.2 has it, also in 1.3. */
  readonly flatUserMap: boolean;
  /** Transactions of ours that one message may hold, whatever was negotiated. */
  readonly maxMultiTrans: number;
}

const DEFAULTS: ClientQuirks = {
  family: 'unknown',
  acknowledges: true,
  aliasFirst: false,
  fetches: true,
  pollPatience: 0,
  flatUserMap: false,
  maxMultiTrans: 8,
};

interface QuirkRow {
  readonly family: string;
  /** One of the two must match. */
  readonly clientId?: RegExp;
  readonly userAgent?: RegExp;
  /** Default: all. */
  readonly versions?: readonly CspVersion[];
  readonly quirks: Partial<Omit<ClientQuirks, 'family'>>;
}

/** Written for a Colibria server, which let them get away with it (client-quirks sections 3, 5). */
const COLIBRIA = { acknowledges: false, aliasFirst: true, fetches: false } as const;

/** Later rows win, attribute by attribute: what is general first, what is known more exactly after it. */
const ROWS: readonly QuirkRow[] = [
  // COMPAT(Android): keeps only the last transaction of a message (client-quirks section 2).
  {
    family: 'Android',
    clientId: /android/i,
    userAgent: /android-imps/i,
    quirks: { fetches: false, flatUserMap: true, maxMultiTrans: 1 },
  },
  // COMPAT(Nokia): MessageNotification is not among the transactions of its engine.
  { family: 'Nokia', clientId: /nokia/i, userAgent: /nokia/i, quirks: { fetches: false } },
  { family: 'Nokia S40', userAgent: /series ?40|\bs40\b/i, clientId: /\bs40\b/i, quirks: {} },
  {
    family: 'Nokia S60',
    userAgent: /series ?60|\bs60\b|symbian/i,
    clientId: /\bs60\b|series ?60/i,
    // Waits 20 s for the answer to a poll, and sends other requests meanwhile (client-quirks section 1).
    quirks: { fetches: false, pollPatience: 15 },
  },
  { family: 'SonyEricsson', clientId: /sonyericsson/i, userAgent: /sonyericsson/i, quirks: {} },
  { family: 'Motorola', clientId: /motorola/i, userAgent: /^mot-|motorola/i, quirks: {} },
  { family: 'Yamigo', clientId: /yamigo/i, userAgent: /yamigo/i, quirks: {} },
  // COMPAT(Movistar): the "SMS 2.0" clients and their kin.
  { family: 'Colibria', clientId: /colibria|InstantMessenger-1\.0/i, quirks: COLIBRIA },
  { family: 'Movistar C#', clientId: /@colibria\.pc-client/i, quirks: COLIBRIA },
  { family: 'Movistar Java', clientId: /@colibria\.(?:j2me|java|midp)/i, quirks: COLIBRIA },
];

/** Every family there is a row for. */
export const FAMILIES: readonly string[] = ROWS.map(({ family }) => family);

function matches(row: QuirkRow, clientId: string, userAgent: string, version: CspVersion): boolean {
  if (row.versions?.includes(version) === false) return false;
  return row.clientId?.test(clientId) === true || row.userAgent?.test(userAgent) === true;
}

/** The quirks of a client. */
export function quirksOf(clientId: string, userAgent: string | undefined, version: CspVersion): ClientQuirks {
  let quirks = DEFAULTS;
  for (const row of ROWS) {
    if (matches(row, clientId, userAgent ?? '', version)) {
      quirks = { ...quirks, ...row.quirks, family: row.family };
    }
  }
  return quirks;
}
