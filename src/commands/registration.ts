// `wvgate registration`: writes the file that makes wvgate an application service of a homeserver, or checks it.

import { writeFileSync } from 'node:fs';
import {
  prefixOfNamespace,
  generateRegistration,
  readRegistration,
} from '../../adapters/matrix/registration.ts';
import type { RegistrationOptions } from '../../adapters/matrix/registration.ts';
import { parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  url: { type: 'string' },
  'server-name': { type: 'string' },
  id: { type: 'string' },
  prefix: { type: 'string' },
  out: { type: 'string' },
  check: { type: 'string' },
} as const;

export const registrationCommand: Command = {
  usage: 'registration --url U --server-name S | --check FILE',
  summary: 'write a Matrix appservice registration with fresh tokens, or check one',
  details: `
  --url URL            where the homeserver reaches wvgate, e.g. http://127.0.0.1:9099 (matrix.listen)
  --server-name NAME   the homeserver's server_name
  --id ID              default imps
  --prefix PREFIX      start of the localparts of ghosts, default _imps_
  --out FILE           where to write it, readable for you alone; a file that exists is left as it is
  --check FILE         writes nothing: says what is wrong with a registration, in part or in all (exit code 1)

Without --out the text goes to standard output. Keep it secret (it holds two tokens), give the same file to the
homeserver (app_service_config_files) and to wvgate (matrix.registration).
`,
  async run(args) {
    const { values } = parseCommandLine(args, OPTIONS);
    if (values.check !== undefined) return check(values.check, values['server-name']);
    const { url, 'server-name': serverName, id, prefix } = values;
    if (url === undefined || !URL.canParse(url))
      throw new UsageError('registration: --url is needed, e.g. http://127.0.0.1:9099');
    if (serverName === undefined)
      throw new UsageError('registration: --server-name is needed, e.g. hs.example');
    write(
      { url, serverName, ...(id === undefined ? {} : { id }), ...(prefix === undefined ? {} : { prefix }) },
      values.out,
    );
    return 0;
  },
};

function write(options: RegistrationOptions, file: string | undefined): void {
  const text = generateRegistration(options);
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new UsageError(`registration: ${file}: ${(error as Error).message}`);
  }
  process.stdout.write(`${file}: written\n`);
}

/** @throws MatrixConfigError for a file that cannot work at all */
function check(file: string, serverName: string | undefined): number {
  const { doubts, userNamespace, id, url } = readRegistration(file);
  const prefix = prefixOfNamespace(userNamespace);
  const found = [...doubts];
  if (prefix === undefined) found.push('namespaces.users: no fixed start of the names');
  const ghost = `@${prefix ?? ''}x:${serverName ?? ''}`;
  if (serverName !== undefined && !new RegExp(`^(?:${userNamespace})$`).test(ghost))
    found.push(`namespaces.users: does not cover ${ghost}`);
  for (const line of found) process.stdout.write(`${file}: ${line}\n`);
  if (found.length === 0) process.stdout.write(`${file}: ${id} at ${url}, ghosts @${prefix}…: all is well\n`);
  return found.length === 0 ? 0 : 1;
}
