// `wvgate registration`: writes the file that makes wvgate an application service of a homeserver.

import { generateRegistration } from '../../adapters/matrix/registration.ts';
import { parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  url: { type: 'string' },
  'server-name': { type: 'string' },
  id: { type: 'string' },
  prefix: { type: 'string' },
} as const;

export const registrationCommand: Command = {
  usage: 'registration --url U --server-name S',
  summary: 'write a Matrix appservice registration with fresh tokens',
  details: `
  --url URL            where the homeserver reaches wvgate, e.g. http://127.0.0.1:9099 (matrix.listen)
  --server-name NAME   the homeserver's server_name
  --id ID              default imps
  --prefix PREFIX      start of the localparts of ghosts, default _imps_

The text goes to standard output. Keep it secret (it holds two tokens), give the same file to the homeserver
(app_service_config_files) and to wvgate (matrix.registration).
`,
  async run(args) {
    const { values } = parseCommandLine(args, OPTIONS);
    const { url, 'server-name': serverName, id, prefix } = values;
    if (url === undefined || !URL.canParse(url))
      throw new UsageError('registration: --url is needed, e.g. http://127.0.0.1:9099');
    if (serverName === undefined)
      throw new UsageError('registration: --server-name is needed, e.g. hs.example');
    process.stdout.write(
      generateRegistration({
        url,
        serverName,
        ...(id === undefined ? {} : { id }),
        ...(prefix === undefined ? {} : { prefix }),
      }),
    );
    return 0;
  },
};
