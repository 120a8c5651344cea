namespace Gateway.StandIns.Paperless;

/// <summary>The app's script and styles. Like Paperless's own it reloads the page on a 401 from the API, and on nothing else.</summary>
internal static class AppScript
{
    public const string Text = """
        'use strict'
        const meta = name => document.querySelector(`meta[name="${name}"]`).content
        const element = id => document.getElementById(id)
        const base = document.querySelector('base').href

        function csrfToken() {
          const name = meta('cookie_prefix') + 'csrftoken='
          const found = document.cookie.split('; ').find(cookie => cookie.startsWith(name))
          return found ? found.slice(name.length) : ''
        }

        async function api(path, options = {}) {
          const headers = { Accept: 'application/json; version=10', ...options.headers }
          if (options.method && options.method !== 'GET') {
            headers['X-CSRFToken'] = csrfToken()
          }
          const response = await fetch(new URL('api/' + path, base), { ...options, headers })
          if (response.status === 401) {
            location.reload()
          }
          return response
        }

        function item(list, text) {
          const entry = document.createElement('li')
          entry.textContent = text
          element(list).append(entry)
          return entry
        }

        function fail(text) {
          element('error').textContent = text
          element('error').hidden = false
        }

        async function showDocuments() {
          const response = await api('documents/?ordering=title')
          element('documents').replaceChildren()
          if (!response.ok) {
            fail('Error loading documents')
            return
          }
          for (const found of (await response.json()).results) {
            const link = document.createElement('a')
            link.href = `api/documents/${found.id}/preview/`
            link.textContent = found.title
            item('documents', '').append(link)
          }
        }

        async function upload(event) {
          event.preventDefault()
          const form = new FormData()
          form.append('document', element('file').files[0])
          const response = await api('documents/post_document/', { method: 'POST', body: form })
          element('upload-result').textContent = response.ok
            ? `Uploaded: ${await response.json()}`
            : `Upload failed: ${response.status}`
          if (response.ok) {
            await showDocuments()
          }
        }

        function addButton(entry, text, click) {
          const button = document.createElement('button')
          button.type = 'button'
          button.textContent = text
          button.addEventListener('click', click)
          entry.append(' ', button)
          return button
        }

        async function showProfile() {
          const [profile, providers] = await Promise.all(
            [api('profile/'), api('profile/social_account_providers/')].map(async answer => (await answer).json()))
          element('email').textContent = profile.email
          element('auth-token').textContent = profile.auth_token ?? ''
          element('social-accounts').replaceChildren()
          element('social-providers').replaceChildren()
          for (const account of profile.social_accounts) {
            const disconnect = addButton(item('social-accounts', `${account.name} (${account.provider})`), 'Disconnect', async () => {
              const response = await api('profile/disconnect_social_account/', {
                method: 'POST',
                headers: { 'Content-Type': 'application/json' },
                body: JSON.stringify({ id: account.id }),
              })
              if (!response.ok) {
                fail('Error disconnecting social account')
              }
              await showProfile()
            })

            // As in Paperless's own: "Set a password before disconnecting social account."
            disconnect.disabled = !profile.has_usable_password
          }
          for (const provider of providers) {
            const link = document.createElement('a')
            link.href = provider.login_url
            link.textContent = provider.name
            item('social-providers', '').append(link)
          }
        }

        async function generateToken() {
          const response = await api('profile/generate_auth_token/', { method: 'POST' })
          element('auth-token').textContent = response.ok ? await response.json() : ''
        }

        function listen() {
          const address = new URL('ws/status/', base)
          address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
          const socket = new WebSocket(address)
          socket.addEventListener('open', () => { element('status').textContent = 'connected' })
          socket.addEventListener('message', event => { element('status').textContent = event.data })
          socket.addEventListener('close', () => { element('status').textContent = 'disconnected' })
        }

        async function start() {
          const response = await api('ui_settings/')
          if (!response.ok) {
            fail('Error loading settings')
            return
          }
          const { user } = await response.json()
          element('username').textContent = user.first_name ?? user.username
          listen()
          if (new URL('profile', base).pathname === location.pathname) {
            element('profile-page').hidden = false
            await showProfile()
          } else {
            element('dashboard-page').hidden = false
            await showDocuments()
          }
          document.body.dataset.ready = 'true'
        }

        element('upload').addEventListener('submit', upload)
        element('generate-token').addEventListener('click', generateToken)
        start()
        """;

    public const string Styles = """
        body { font-family: system-ui, sans-serif; margin: 0; color: #212529; }
        header { display: flex; justify-content: space-between; padding: .75rem 1rem; background: #17541f; color: #fff; }
        header a { color: #fff; }
        nav a { margin-left: 1rem; }
        main a { color: #17541f; }
        main { padding: 1rem; max-width: 60rem; margin: 0 auto; }
        #error { padding: .5rem 1rem; background: #f8d7da; color: #58151c; }
        button { background: #17541f; color: #fff; border: 0; padding: .4rem .8rem; border-radius: .25rem; }
        footer { padding: 1rem; border-top: 1px solid #dee2e6; }
        """;
}
