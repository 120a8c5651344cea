import { text } from 'node:stream/consumers';
import { consentPage, loginPage } from './pages.mjs';

async function consent(provider, { grantId, session, params, prompt: { details } }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) {
    grant.addOIDCScope(details.missingOIDCScope.join(' '));
  }
  if (details.missingOIDCClaims) {
    grant.addOIDCClaims(details.missingOIDCClaims);
  }
  return { consent: { grantId: await grant.save() } };
}

async function show(provider, ctx) {
  const { prompt, params } = await provider.interactionDetails(ctx.req, ctx.res);
  const { clientName } = await provider.Client.find(params.client_id);
  ctx.body = prompt.name === 'login'
    ? loginPage(ctx.path, params.login_hint)
    : consentPage(ctx.path, clientName, params.scope?.split(' ') ?? []);
}

async function submit(provider, ctx) {
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  const form = new URLSearchParams(await text(ctx.req));
  let result;
  if (form.has('abort')) {
    result = { error: 'access_denied', error_description: 'the person did not want to' };
  } else if (details.prompt.name === 'login') {
    ctx.assert(form.get('login'), 400, 'a login is needed');
    result = { login: { accountId: form.get('login') } };
  } else {
    result = await consent(provider, details);
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, {
    mergeWithLastSubmission: details.prompt.name === 'consent' && !form.has('abort'),
  });
}

/** Login and consent, as pages that a browser and a plain HTTP client can both go through. */
export function interactions(provider) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) {
      await next();
    } else if (ctx.method === 'POST') {
      await submit(provider, ctx);
    } else {
      await show(provider, ctx);
    }
  };
}
