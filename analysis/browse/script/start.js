// Brings the pages of examples to life, each once: a notebook may hold several.

const ON_PAPER = 200; // rows that are printed

function browse(theme) {
  if (theme.dataset.live || !theme.querySelector('.lxb-data')) return;
  theme.dataset.live = 'yes';
  const main = theme.querySelector('.lxb'), find = name => theme.querySelector('[data-lxb=' + name + ']');
  const label = colours(theme, main, () => {});
  main.classList.add('lxr-on');
  label();
  const listing = new Listing(theme), view = new View(listing), status = theme.querySelector('.lxb-status');
  const count = n => n.toLocaleString('en');
  const moved = step => {
    if (step) { list.go(list.at + step); list.open(); }
    else list.box.focus();
  };
  const panel = new Panel(theme, listing, moved);
  const list = new List(theme, view, i => panel.open(i), {
    close: () => panel.close(),
    follow: () => { if (panel.isOpen) list.open(); },
  });
  const tell = () => {
    const left = listing.total > listing.count ? ', the first of ' + count(listing.total) : '';
    status.textContent = (view.narrowed ? count(view.list.length) + ' of ' : '') + count(listing.count) + ' examples' + left;
    find('all').hidden = !view.narrowed;
  };
  const changed = () => { view.compute(); list.refresh(); tell(); };
  const search = find('search');
  search.oninput = () => { view.query = search.value; changed(); };
  search.onkeydown = e => {
    if (e.key === 'Enter' || e.key === 'ArrowDown') { e.preventDefault(); list.box.focus(); }
    if (e.key === 'Escape') { e.preventDefault(); search.value = view.query = ''; changed(); list.box.focus(); }
  };
  const filter = () => new Filter(listing, find('filters'), changed, gone => { view.filters = view.filters.filter(f => f !== gone); changed(); });
  const add = () => { const f = filter(); view.filters.push(f); return f; };
  find('add').onclick = () => add().select.focus();
  if (!listing.columns.length) find('add').hidden = true;
  else add();
  find('all').onclick = () => {
    search.value = view.query = '';
    view.filters = [];
    find('filters').replaceChildren();
    add();
    changed();
    list.box.focus();
  };
  listing.columns.forEach((c, k) => {
    const line = control('label', {}, find('columns')), box = control('input', {type: 'checkbox'}, line);
    box.checked = list.shown[k];
    line.append(' ' + c.title);
    box.onchange = () => { list.shown[k] = box.checked; list.refresh(); };
  });
  document.addEventListener('keydown', e => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) || e.target.isContentEditable || !main.isConnected) return;
    if (!document.documentElement.classList.contains('lxb-page') && !theme.contains(e.target)) return; // in a notebook it has other uses
    e.preventDefault();
    search.focus();
    search.select();
  });
  // The page's address may name an example: examples.html#17.
  const named = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* it is taken as it stands */ }
    const i = id === '' ? -1 : listing.ids.indexOf(id), at = i < 0 ? -1 : view.list.indexOf(i);
    if (at >= 0) { list.go(at); list.open(); }
  };
  list.refresh();
  tell();
  const complete = () => { list.drawn = null; list.draw(); if (panel.isOpen) panel.draw(); };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', complete);
  if (document.documentElement.classList.contains('lxb-page')) {
    named();
    addEventListener('hashchange', named);
    list.box.focus({preventScroll: true});
  }
  addEventListener('beforeprint', () => print(theme, list));
  addEventListener('afterprint', () => theme.querySelector('.lxb-paper').replaceChildren());
}

// print puts the first rows of the view on paper, as a table.
function print(theme, list) {
  const table = theme.querySelector('.lxb-paper'), cells = list.cells, all = list.view.list;
  table.replaceChildren();
  control('caption', {}, table, 'The first ' + Math.min(ON_PAPER, all.length) + ' of ' + all.length + ' examples');
  const row = (name, texts) => { const r = control('tr', {}, table); for (const t of texts) control(name, name === 'th' ? {scope: 'col'} : {}, r, t); };
  row('th', cells.map(c => c.title));
  for (const i of all.slice(0, ON_PAPER)) row('td', cells.map(c => c.text(i)));
}

for (const theme of document.querySelectorAll('.lxr-theme')) browse(theme);
