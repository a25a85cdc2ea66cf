// Light and dark. The style sheet knows whether the page, the notebook or the button says dark.

// colours makes the button of a page work and returns what writes on it; changed is called with the colours.
function colours(theme, main, changed) {
  const button = theme.querySelector('.lxr-theme-button');
  const dark = () => getComputedStyle(main).getPropertyValue('--dark').trim() === '1';
  const label = () => {
    button.textContent = dark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', 'switch to ' + (dark() ? 'light' : 'dark') + ' colours');
    changed();
  };
  button.onclick = () => { theme.dataset.theme = dark() ? 'light' : 'dark'; label(); };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', label);
  return label;
}
