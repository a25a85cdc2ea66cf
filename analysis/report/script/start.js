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
  for (const link of theme.querySelectorAll('.lxr-index a')) {
    link.addEventListener('click', event => {
      const part = theme.querySelector('#' + CSS.escape(link.hash.slice(1)));
      if (!part) return;
      event.preventDefault(); // a notebook's own page has other uses for the address
      if (part.tagName === 'DETAILS') part.open = true;
      part.scrollIntoView();
    });
  }
}

for (const theme of document.querySelectorAll('.lxr-theme')) dress(theme);
