namespace Gateway.StandIns.Paperless;

/// <summary>
/// What the script of <see cref="ProductionInterface"/> does: it is busy for as long as Paperless's own, then asks the API one question after
/// another, with the headers of Paperless's own, and draws the page after the last answer.
/// </summary>
internal static class ProductionScript
{
    public const string Text = """

        'use strict'
        const base = document.querySelector('base').href
        const busyMilliseconds = 60

        function work() {
          const end = performance.now() + busyMilliseconds
          while (performance.now() < end) { }
        }

        function csrfToken() {
          const name = document.querySelector('meta[name="cookie_prefix"]').content + 'csrftoken='
          return document.cookie.split('; ').find(cookie => cookie.startsWith(name))?.slice(name.length)
        }

        function ask(path) {
          return new Promise((answered, failed) => {
            const request = new XMLHttpRequest()
            request.open('GET', new URL('api/' + path, base))
            request.setRequestHeader('Accept', 'application/json; version=10')
            const token = csrfToken()
            if (token) {
              request.setRequestHeader('X-CSRFToken', token)
            }
            request.onload = () => request.status === 200
              ? answered(JSON.parse(request.responseText))
              : failed(new Error(`${path}: ${request.status}`))
            request.onerror = () => failed(new Error(path))
            request.send()
          })
        }

        function listen() {
          const address = new URL('ws/status/', base)
          address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
          new WebSocket(address)
        }

        function element(name, parent, properties) {
          const made = Object.assign(document.createElement(name), properties)
          parent.append(made)
          return made
        }

        async function dashboard(root) {
          const statistics = await ask('statistics/')
          element('p', root, {
            className: 'widget',
            textContent: `Documents in total: ${statistics.documents_total}. `.repeat(40),
          })
        }

        async function documents(root) {
          await ask('users/?page=1&page_size=100000')
          const found = await ask('documents/?page=1&page_size=50&ordering=-created&truncate_content=true')
          const lists = ['correspondents', 'document_types', 'tags', 'storage_paths']
          await Promise.all(lists.map(list => ask(`${list}/?page=1&page_size=100000`)))
          const cards = element('div', root, { className: 'cards' })
          await Promise.all(found.results.map(one => new Promise((loaded, failed) => {
            const card = element('div', cards, { className: 'card' })
            element('img', card, { src: `api/documents/${one.id}/thumb/`, onload: loaded, onerror: () => failed(new Error('thumb')) })
            element('p', card, { textContent: one.title })
          })))
        }

        async function start() {
          work()
          const root = document.querySelector('pngx-root')
          const { settings } = await ask('ui_settings/')
          root.replaceChildren()
          if (settings.app_logo) {
            element('img', root, { className: 'logo', src: settings.app_logo.replace(/^\//, '') })
          }
          listen()
          await ask('custom_fields/?page=1&page_size=100000')
          await ask('saved_views/?page=1&page_size=100000')
          await ask('tasks/?task_name=consume_file&acknowledged=false')
          await (location.pathname.endsWith('/documents') ? documents(root) : dashboard(root))
          document.body.dataset.drawn = 'true'
        }

        start().catch(error => { document.body.dataset.failed = error.message })
        """;

    /// <summary>The largest thing on the dashboard is its text, and on the list of documents a thumbnail.</summary>
    public const string Styles = """
        body { font-family: sans-serif; margin: 0; }
        .logo { display: block; width: 128px; height: 66px; }
        .widget { font-size: 20px; width: 1000px; margin: 1rem; }
        .cards { display: grid; grid-template-columns: repeat(6, 200px); gap: 8px; }
        .card img { width: 192px; height: 224px; display: block; }
        .card p { font-size: 12px; margin: 2px; }

        """;
}
