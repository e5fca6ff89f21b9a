// `wvgate serve`: the server itself, until SIGTERM or SIGINT.

import { requestFields } from '../access/request-scope.ts';
import { createLog } from '../ops/log.ts';
import { checkFiles } from './check-config.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, type Command } from './command.ts';

export const serveCommand: Command = {
  usage: 'serve [--config FILE]',
  summary: 'start the server (SIGTERM ends it in order)',
  async run(args, projectRoot) {
    const { values } = parseCommandLine(args, CONFIG_OPTION);
    const { config, file } = loadConfig(values.config, projectRoot);
    await checkFiles(config, file);
    const log = createLog(config.log.level, requestFields);
    process.on('unhandledRejection', (error) => {
      log.fatal({ err: error }, 'unhandled rejection: a bug, stopping');
      process.exit(70);
    });
    // Loaded here, not above: the gateways' libraries take a second that other commands need not wait for.
    const { startHouse } = await import('../gateway.ts');
    const house = await startHouse({ config, log });
    log.info({ config: file, domain: config.domain, ...house.addresses }, 'wvgate is ready');
    await ended();
    log.info({}, 'stopping');
    await house.stop();
    log.info({}, 'stopped');
    return 0;
  },
};

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function ended(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
      resolve();
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
  });
}
