// The random secrets of this checkout's test stack, made once and kept in data/stack/secrets.json.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { SECRETS_FILE, STACK_DIR } from './layout.ts';

const perRole = z.object({ main: z.string(), test: z.string() });
const stackSecrets = z.object({
  prosodyComponents: perRole,
  ejabberdComponents: perRole,
  asTokens: perRole,
  hsTokens: perRole,
  registrationSharedSecret: z.string(),
});

export type StackSecrets = z.infer<typeof stackSecrets>;

const secret = (): string => randomBytes(24).toString('hex');
const pair = (): z.infer<typeof perRole> => ({ main: secret(), test: secret() });

/** Reads the stack's secrets, making them on the first call (file mode 0600). */
export function loadSecrets(): StackSecrets {
  if (existsSync(SECRETS_FILE)) {
    return stackSecrets.parse(JSON.parse(readFileSync(SECRETS_FILE, 'utf8')));
  }
  const secrets: StackSecrets = {
    prosodyComponents: pair(),
    ejabberdComponents: pair(),
    asTokens: pair(),
    hsTokens: pair(),
    registrationSharedSecret: secret(),
  };
  mkdirSync(STACK_DIR, { recursive: true });
  writeFileSync(SECRETS_FILE, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
