// Brings the reports on this page to life, each once: a notebook holds several, and each brings these scripts along.

function dress(theme) {
  if (theme.dataset.live) return;
  theme.dataset.live = 'yes';
  const main = theme.querySelector('.lxr-main'), examples = [];
  const label = colours(theme, main, () => { for (const x of examples) if (x.overview) x.overview.mark(); });
  main.classList.add('lxr-on');
  // Text has no size in a part that is closed, so that what is in it waits.
  for (const root of theme.querySelectorAll('section.lxr')) {
    const part = root.closest('details'), start = () => { if (!root.dataset.live) { root.dataset.live = 'yes'; examples.push(new Example(root)); } };
    if (!part || part.open) start();
    else part.addEventListener('toggle', start);
  }
  label();
  const open = id => {
    const part = theme.querySelector('#' + CSS.escape(id));
    if (!part) return false;
    if (part.tagName === 'DETAILS') part.open = true;
    part.scrollIntoView();
    return true;
  };
  for (const link of theme.querySelectorAll('a.lxr-to')) {
    link.addEventListener('click', event => {
      if (!open(link.hash.slice(1))) return;
      event.preventDefault(); // a notebook's own page has other uses for the address
      if (theme === document.documentElement) history.pushState(null, '', link.hash); // the way back is to where the link is
    });
  }
  if (theme === document.documentElement) {
    const named = () => { if (location.hash.length > 1) open(location.hash.slice(1)); };
    addEventListener('hashchange', named);
    named();
  }
}

for (const theme of document.querySelectorAll('.lxr-theme')) dress(theme);
