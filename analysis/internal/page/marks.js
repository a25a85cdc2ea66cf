// Marks on words and pictures: orange is for, blue against, and the more of it the stronger.

const POSITIVE = '#d55e00', NEGATIVE = '#0072b2';
const SVG = 'http://www.w3.org/2000/svg';

// hex writes a share from 0 to 1 as the last two digits of a colour.
const hex = share => Math.floor(255 * share).toString(16).padStart(2, '0');

function element(name, attributes, parent, text) {
  const e = document.createElementNS(SVG, name);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}
