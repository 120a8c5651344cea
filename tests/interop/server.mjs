// Starts oidc-provider on a loopback port for one test. The first line of standard input is the settings, as
// JSON; when it listens, one line of JSON with the issuer is printed; when standard input ends, so does this.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';
import { configuration } from './configuration.mjs';
import { interactions } from './interactions.mjs';

// The provider's notices would stand between the test and its one line.
console.info = console.error;

// oidc-provider takes a secret by Basic or in the form, whichever method the client is registered with.
// A test that says which one it expects shall see the other refused.
function onlyTheRegisteredMethod(method) {
  return async (ctx, next) => {
    const basic = ctx.get('authorization') !== '';
    if (['/token', '/request'].includes(ctx.path) && basic !== (method === 'client_secret_basic')) {
      ctx.status = 401;
      ctx.body = { error: 'invalid_client', error_description: `the client is registered for ${method}` };
      return;
    }
    await next();
  };
}

async function start(settings) {
  const server = createServer();
  server.listen(settings.port ?? 0, '127.0.0.1');
  await once(server, 'listening');

  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(settings));
  provider.on('server_error', (_ctx, error) => console.error(error));
  provider.use(onlyTheRegisteredMethod(settings.token_endpoint_auth_method ?? 'client_secret_basic'));
  provider.use(interactions(provider));
  server.on('request', provider.callback());
  // A bad client registration is otherwise noticed by the first request.
  await provider.Client.find(settings.client_id);
  console.log(JSON.stringify({ issuer }));
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

const input = createInterface({ input: process.stdin });
input.once('line', (line) => { Promise.resolve(line).then(JSON.parse).then(start).catch(fail); });
input.once('close', () => process.exit(0));
