import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { errorPage, loggedOutPage, logoutPage } from './pages.mjs';

// Everybody else has no groups claim at all, which is not the same as an empty list.
const groups = { alice: ['editors', 'staff'], bob: ['viewers'] };

function findAccount(settings, login) {
  return {
    accountId: login,
    claims: async () => ({
      sub: login,
      preferred_username: login,
      name: login[0].toUpperCase() + login.slice(1),
      email: `${login}@example.com`,
      email_verified: true,
      groups: Object.hasOwn(groups, login) ? groups[login] : undefined,
      // null: without that claim.
      ...Object.fromEntries(Object.entries(settings.claims ?? {}).map(([name, value]) => [name, value ?? undefined])),
    }),
  };
}

// New keys at every start: a restart on the same port is also a provider that changed its keys, with `kid_prefix` under the same key ids.
function keys(kidPrefix) {
  const pairs = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    // Without alg: the same key signs as EdDSA and, with the name of RFC 9864, as Ed25519.
    [undefined, generateKeyPairSync('ed25519')],
  ];
  return pairs.map(([alg, { privateKey }]) => ({
    ...privateKey.export({ format: 'jwk' }), ...(alg && { alg }), use: 'sig', kid: kidPrefix ? `${kidPrefix}-${alg}` : randomUUID(),
  }));
}

function client(settings) {
  return {
    client_id: settings.client_id,
    ...(settings.client_jwk ? { jwks: { keys: [settings.client_jwk] } } : { client_secret: settings.client_secret }),
    client_name: 'Paperless Gateway',
    // http redirect URIs are refused to a web client of the implicit flow only: with the code flow nothing
    // has to be bent for a gateway on loopback. ("native" would ask for consent at every sign-in.)
    application_type: 'web',
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    // Every other scope gets invalid_scope.
    ...(settings.client_scope && { scope: settings.client_scope }),
    redirect_uris: settings.redirect_uris,
    post_logout_redirect_uris: settings.post_logout_redirect_uris ?? [],
    token_endpoint_auth_method: settings.token_endpoint_auth_method ?? 'client_secret_basic',
    id_token_signed_response_alg: settings.id_token_signed_response_alg ?? 'RS256',
    ...(settings.userinfo_signed_response_alg && { userinfo_signed_response_alg: settings.userinfo_signed_response_alg }),
    ...(settings.backchannel_logout_uri && {
      backchannel_logout_uri: settings.backchannel_logout_uri,
      backchannel_logout_session_required: true,
    }),
  };
}

// An app keeps no secret. Its redirect URI has a scheme of its own, which is for native clients only.
function appClient(id) {
  return {
    client_id: id,
    client_name: 'Paperless app',
    application_type: 'native',
    response_types: ['code'],
    grant_types: ['authorization_code'],
    redirect_uris: ['x-paperless://oidc-callback'],
    token_endpoint_auth_method: 'none',
  };
}

export function configuration(settings) {
  return {
    clients: [client(settings), ...(settings.app_client_id ? [appClient(settings.app_client_id)] : [])],
    jwks: { keys: keys(settings.kid_prefix) },
    cookies: { keys: [randomUUID()] },
    findAccount: (_ctx, login) => findAccount(settings, login),
    claims: {
      openid: ['sub'],
      // As in authentik, whose default profile scope carries the groups.
      profile: ['name', 'preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    // HS256 stands beside the published keys in the discovery document.
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'Ed25519', 'EdDSA', 'HS256'] },
    // true: claims come from userinfo alone, as OpenID Connect Core 5.4 has it for the code flow.
    conformIdTokenClaims: !settings.claims_in_id_token,
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = logoutPage(form); },
        postLogoutSuccessSource: (ctx) => { ctx.body = loggedOutPage(); },
      },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      // Announced by default; a test says whether it is there, and whether it is required.
      pushedAuthorizationRequests: {
        enabled: settings.pushed_requests !== 'none',
        requirePushedAuthorizationRequests: settings.pushed_requests === 'required',
      },
      userinfo: { enabled: true },
      jwtUserinfo: { enabled: true },
    },
    renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = errorPage(out); },
    // By default offline_access counts only beside prompt=consent (OpenID Connect Core 11) and is dropped
    // in silence without it. "always" is the laxer way of many other providers: a refresh token with every code.
    ...(settings.refresh_tokens === 'always' && {
      issueRefreshToken: (_ctx, c) => c.grantTypeAllowed('refresh_token'),
      rotateRefreshToken: true,
    }),
    ttl: {
      AccessToken: settings.access_token_seconds ?? 300,
      AuthorizationCode: 60,
      IdToken: 300,
      Interaction: 600,
      Grant: 3600,
      Session: 3600,
      RefreshToken: 3600,
    },
    // The dispatcher that the provider sets refuses special-use addresses, so it would never tell a gateway
    // on loopback about a logout.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  };
}
