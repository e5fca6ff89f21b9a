// Failed log-ins by account.

import type { LockoutStore } from '../lockouts.ts';
import { optional } from './columns.ts';
import type { Database } from './database.ts';

interface FailedRow {
  readonly failures: number;
  readonly locked_until: number | null;
}

export function lockoutArea(db: Database): LockoutStore {
  // For users that exist: names that a stranger made up leave no rows.
  const count = db.prepare(
    `INSERT INTO failed_logins (user, failures, locked_until)
     SELECT address, 1, NULL FROM users WHERE address = ?
     ON CONFLICT (user) DO UPDATE SET failures = failures + 1`,
  );
  const lock = db.prepare(
    'UPDATE failed_logins SET failures = 0, locked_until = ? WHERE user = ? AND failures >= ?',
  );
  const select = db.prepare<FailedRow>('SELECT failures, locked_until FROM failed_logins WHERE user = ?');
  const clear = db.prepare('DELETE FROM failed_logins WHERE user = ?');
  return {
    countFailedLogin: (user, { failures, until }) =>
      db.writeTogether(() => {
        count.run(user);
        return lock.run(until, user, failures) === 1;
      }),
    failedLogins: (user) =>
      db.read(() => {
        const row = select.get(user);
        return row === undefined
          ? undefined
          : { failures: row.failures, ...optional('lockedUntil', row.locked_until) };
      }),
    clearFailedLogins: (user) => db.write(() => clear.run(user) === 1),
  };
}
