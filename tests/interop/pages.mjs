// The provider's pages, in its stead. Its own ones ask a font server for a font, and the browser tests
// fail on any request that leaves the machine.

export function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title>
<link rel="icon" href="data:,"></head>
<body><main><h1>${escape(title)}</h1>
${body}
</main></body>
</html>`;
}

export function loginPage(action, hint) {
  return page('Sign in', `<form method="post" action="${escape(action)}">
<label>Login <input name="login" required autocomplete="off" value="${escape(hint ?? '')}"></label>
<button type="submit">Sign in</button>
<button type="submit" name="abort" value="yes" formnovalidate>Cancel</button>
</form>`);
}

export function consentPage(action, client, scopes) {
  return page(`${client} asks for access`, `<ul>${scopes.map((s) => `<li>${escape(s)}</li>`).join('')}</ul>
<form method="post" action="${escape(action)}">
<button type="submit">Continue</button>
<button type="submit" name="abort" value="yes">Cancel</button>
</form>`);
}

// The form is the provider's own, with its token against cross-site requests.
export function logoutPage(form) {
  return page('Sign out?', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>
<button type="submit" form="op.logoutForm">No, stay signed in</button>`);
}

export function loggedOutPage() {
  return page('Signed out', '<p>You are signed out at the provider.</p>');
}

export function errorPage({ error, error_description: description }) {
  return page(error, `<p>${escape(description ?? '')}</p>`);
}
